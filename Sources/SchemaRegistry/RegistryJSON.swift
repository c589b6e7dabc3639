internal import HTTPTypes
internal import Hummingbird
internal import IO
internal import NIOCore

/// Answers in the registry's own media type.
enum RegistryJSON {
    static let mediaType = "application/vnd.schemaregistry.v1+json"

    static func response(_ value: JSON, status: HTTPResponse.Status = .ok) -> Response {
        Response(status: status, headers: [.contentType: mediaType], body: ResponseBody(byteBuffer: ByteBuffer(string: value.text)))
    }
}
