internal import HTTPTypes
internal import Hummingbird
internal import IO
internal import NIOCore

/// A file that lives in the binary: its bytes, its type, and a tag by which a browser knows that it has it already.
struct StaticFile: Sendable {
    let path: String
    private let type: String
    private let content: ByteBuffer
    private let tag: String

    init(_ path: String, _ type: String, _ text: String) {
        self.path = path
        self.type = type
        content = ByteBuffer(string: text)
        // FNV-1a, 64 bits: the tag only has to differ between two builds' texts.
        let hash = text.utf8.reduce(into: 0xcbf2_9ce4_8422_2325 as UInt64) { $0 = ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        tag = "\"\(String(hash, radix: 16))\""
    }

    static let all = [
        StaticFile("/", "text/html; charset=utf-8", FlowPage.html),
        StaticFile("/dags", "text/html; charset=utf-8", DAGsPage.html),
        StaticFile("/static/console.css", "text/css; charset=utf-8", StyleSheet.text),
        StaticFile("/static/console.js", "text/javascript; charset=utf-8", SharedScript.text),
        StaticFile("/static/flow.js", "text/javascript; charset=utf-8", FlowScript.text),
        StaticFile("/static/dags.js", "text/javascript; charset=utf-8", DAGsScript.text),
        StaticFile("/static/icon.svg", "image/svg+xml", PageFrame.icon),
    ]

    func response(to request: Request) -> Response {
        let headers: HTTPFields = [.contentType: type, .cacheControl: "no-cache", .eTag: tag]
        if request.headers[values: .ifNoneMatch].contains(tag) { return Response(status: .notModified, headers: headers) }
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: content))
    }
}
