import IO
import NIOCore
import Testing

@Suite("JSON") struct JSONTests {
    @Test("every kind of value is read, large numbers exactly")
    func kinds() throws {
        let json = try JSON(
            parsing:
                " \n\t\r{\"a\" : [1, -2.5e3 ,true,false,null,\"\"], \"b\":{ } ,\"c\":[ ],\"n\":9223372036854775807,\"m\":-9223372036854775808} "
        )
        #expect(json == ["a": [1, -2_500.0, true, false, nil, ""], "b": [:], "c": [], "n": .integer(.max), "m": .integer(.min)])
        #expect(json["n"]?.integer == .max && json["b"]?.object?.isEmpty == true && json["c"]?.array?.isEmpty == true)
        #expect(try JSON(parsing: "0") == 0 && JSON(parsing: "\"x\"") == "x" && JSON(parsing: "null").isNull)
    }

    @Test(
        "numbers are those of RFC 8259, section 6",
        arguments: [
            ("0", .integer(0)), ("-0", .integer(0)), ("10", .integer(10)), ("-7", .integer(-7)), ("0.5", .number(0.5)),
            ("-0.0", .number(-0.0)),
            ("1e3", .number(1_000)), ("1E+2", .number(100)), ("25e-1", .number(2.5)), ("1.0", .number(1)),
            ("9223372036854775808", .number(9_223_372_036_854_775_808)), ("5e-324", .number(.leastNonzeroMagnitude)),
        ] as [(String, JSON)])
    func numbers(text: String, value: JSON) throws {
        #expect(try JSON(parsing: text) == value)
        #expect(try JSON(parsing: "[\(text) ]") == [value])
    }

    @Test(
        "what is no JSON is refused at its byte",
        arguments: [
            ("", 0), ("  ", 2), ("{", 1), ("[1,", 3), ("[1,]", 3), ("[,1]", 1), ("[1 2]", 3), ("{\"a\"}", 4), ("{\"a\" 1}", 5),
            ("{\"a\":1,}", 7), ("{a:1}", 1), ("{1:2}", 1), ("[1}", 2), ("nul", 0), ("nulL", 0), ("True", 0), ("NaN", 0), ("Infinity", 0),
            ("1 2", 2), ("[] x", 3), ("+1", 0), ("-", 1), ("--1", 1), ("01", 1), ("-01", 2), ("1.", 2), (".5", 0), ("1.e3", 2), ("1e", 2),
            ("1e+", 3), ("0x1", 1), ("1e999", 0), ("\"a", 2), ("\"\u{1}\"", 1), ("\"\n\"", 1), ("\"\\q\"", 2), ("\"\\", 2),
            ("\"\\u12\"", 5),
            ("\"\\u+123\"", 3), ("\"\\u 123\"", 3), ("[\u{1}]", 1), ("\u{FEFF}1", 0), ("\u{A0}1", 0), ("'a'", 0), ("// a\n1", 0),
        ] as [(String, Int)])
    func malformed(text: String, offset: Int) {
        let error = #expect(throws: MalformedJSON.self) { try JSON(parsing: text) }
        #expect(error?.offset == offset, "\(text): \(error.map { "\($0)" } ?? "")")
    }

    @Test("every truncation is refused")
    func truncations() throws {
        let text = #"{"a":[1,-2.5e+3,{"b\u00e9\ud83d\ude00é😀":"\\"}],"c":{"d":true,"e":null}}"#
        _ = try JSON(parsing: text)
        let bytes = Array(text.utf8)
        for end in bytes.indices { #expect(throws: MalformedJSON.self, "\(end)") { try JSON(parsing: bytes[..<end]) } }
    }

    @Test("nesting has a bound, within which it is read")
    func depth() throws {
        func nested(_ depth: Int, _ open: String, _ close: String) -> String {
            String(repeating: open, count: depth) + "0" + String(repeating: close, count: depth)
        }
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let deepest = nested(JSONScanner.depthMax, open, close)
            #expect(try JSON(parsing: deepest).text == deepest)
            #expect(throws: MalformedJSON.self) { try JSON(parsing: nested(JSONScanner.depthMax + 1, open, close)) }
            #expect(throws: MalformedJSON.self) { try JSON(parsing: String(repeating: open, count: 100_000)) }
        }
        // Brothers are not nested.
        #expect(try JSON(parsing: "[" + String(repeating: "[{}],", count: 1_000) + "0]").elements.count == 1_001)
    }

    @Test("of a name that is repeated the last value holds")
    func repeatedNames() throws {
        let json = try JSON(parsing: #"{"a":1,"b":2,"a":{"c":3},"\u0061":4}"#)
        #expect(json == ["a": 4, "b": 2] && json.text == #"{"a":4,"b":2}"#)
        #expect(try JSON(parsing: #"{"é":1}"#)["e\u{301}"] == 1)
    }

    @Test("escapes are read, and a surrogate without its half becomes U+FFFD")
    func escapes() throws {
        #expect(try JSON(parsing: #""\"\\\/\b\f\n\r\t\u00e9\u00E9""#) == "\"\\/\u{8}\u{c}\n\r\t\u{e9}\u{e9}")
        #expect(try JSON(parsing: #""\ud83d\ude00\uD83D\uDE00""#) == "😀😀")
        #expect(try JSON(parsing: #""\ud800x\ude00\ud83d""#) == "\u{FFFD}x\u{FFFD}\u{FFFD}")
        #expect(try JSON(parsing: #""\ud800\u0041\ud800\ud83d\ude00\ud800\n""#) == "\u{FFFD}A\u{FFFD}😀\u{FFFD}\n")
        #expect(try JSON(parsing: #""\u0000""#) == "\u{0}")
    }

    @Test(
        "bytes that are no UTF-8 are refused, with and without escapes, in names too",
        arguments: [[0x80], [0xFF], [0xC3], [0xC0, 0x80], [0xE2, 0x82], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80]] as [[UInt8]])
    func invalidUTF8(bytes: [UInt8]) {
        let quote = UInt8(ascii: "\"")
        let texts = [
            [quote] + bytes + [quote], [quote] + Array("\\n".utf8) + bytes + [quote], Array("{\"".utf8) + bytes + Array("\":1}".utf8),
            bytes,
        ]
        for text in texts { #expect(throws: MalformedJSON.self) { try JSON(parsing: text) } }
    }

    @Test("what is written is read again as the same value, in the order in which it was built")
    func roundTrip() throws {
        let text = #"{"z":[1,-2.5,true,false,null,"x\"\\\n\r\t\b\f\u0000\u001fé😀"],"b":{},"a":[],"c":1e+300}"#
        let json = try JSON(parsing: text)
        #expect(json.text == text)
        #expect(json.sortedText == #"{"a":[],"b":{},"c":1e+300,"z":[1,-2.5,true,false,null,"x\"\\\n\r\t\b\f\u0000\u001fé😀"]}"#)
        #expect(try JSON(parsing: json.sortedText) == json)
        #expect(JSON.array([.number(.infinity), .number(.nan)]).text == "[null,null]")
        for value in [0.1, -1e-7, 123_456_789.123, Double.greatestFiniteMagnitude, .leastNonzeroMagnitude] {
            #expect(try JSON(parsing: JSON.number(value).text).number == value)
        }
    }

    @Test("every character that JSON forbids in a string is escaped, also without a value")
    func quoting() throws {
        for code in UInt8.min...127 {
            let text = "a\(UnicodeScalar(code))ß"
            #expect(try JSON(parsing: JSON.quoted(text)) == .string(text))
        }
        var buffer = ByteBuffer()
        buffer.writeJSONEscaped("\u{1}\"é\\")
        #expect(String(buffer: buffer) == #"\u0001\"é\\"#)
        #expect(JSON.quoted("") == "\"\"")
    }

    @Test("objects are equal in any order, and then have one sorted text")
    func equality() {
        let first: JSON = ["a": 1, "b": ["c": 2, "d": 3]]
        let second: JSON = ["b": ["d": 3, "c": 2], "a": 1]
        #expect(first == second && first.hashValue == second.hashValue)
        #expect(first.text != second.text && first.sortedText == second.sortedText)
        #expect(first != ["a": 1] && first != ["a": 1, "b": ["c": 2, "d": 4]] && JSON.integer(1) != .number(1))
    }

    @Test("members are changed by name, and merged with the others' values first")
    func members() {
        var members: JSON.Members = ["a": 1, "b": 2]
        members["c"] = 3
        members["a"] = nil
        members["b"] = .null
        #expect(members.map(\.name) == ["b", "c"] && members["b"] == .null && members["a"] == nil)
        #expect(members.merging(["c": 4, "d": 5]) == ["b": nil, "c": 4, "d": 5])
        #expect(JSON.object(members.merging(["c": 4, "a": 5])).text == #"{"b":null,"c":4,"a":5}"#)
    }

    @Test("a value is read strictly, or for what it can be taken for")
    func reading() throws {
        let json = try JSON(parsing: #"{"n":12.0,"f":12.7,"t":"12","b":true,"a":["x"]}"#)
        #expect(json["n"]?.integer == 12 && json["f"]?.integer == nil && json["t"]?.integer == nil && json["t"]?.number == nil)
        #expect(json["f"]?.wholeNumber == 12 && json["t"]?.wholeNumber == 12 && json["b"]?.wholeNumber == nil)
        #expect(JSON.number(1e300).integer == nil && JSON.number(1e300).wholeNumber == nil && JSON.integer(2).number == 2)
        #expect(json["b"]?.bool == true && json["a"]?["x"] == nil && json["nothing"] == nil && json["t"]?["t"] == nil)
        #expect(json["t"]?.elements.isEmpty == true && json["t"]?.members.isEmpty == true && json["a"]?.elements == ["x"])
        #expect(json["t"]?.shown == "12" && json["a"]?.shown == #"["x"]"# && json["b"]?.shown == "true")
    }
}

@Suite("The JSON scanner") struct JSONScannerTests {
    private func scan<Value>(_ text: String, _ body: (inout JSONScanner) throws -> Value) throws -> Value {
        try Array(text.utf8).withUnsafeBytes { bytes in
            var scanner = JSONScanner(bytes)
            let value = try body(&scanner)
            try scanner.end()
            return value
        }
    }

    @Test("the caller pulls what it wants and skips the rest")
    func pulling() throws {
        let text = #" {"skip":[{"a":[1,"}",null]},true],"n":5,"t":"x","code":815e0,"flags":[true,false],"none":null}"#
        var seen: [String] = []
        try scan(text) { scanner in
            try scanner.object { (scanner: inout JSONScanner, name: String) throws(MalformedJSON) in
                switch name {
                case "n": seen.append("\(try scanner.integer())")
                case "t": seen.append(try scanner.stringOrNull() ?? "nothing")
                case "none": seen.append(try scanner.stringOrNull() ?? "nothing")
                case "code": seen.append(try scanner.textOrNumber())
                case "flags":
                    try scanner.array { (scanner: inout JSONScanner) throws(MalformedJSON) in seen.append("\(try scanner.bool())") }
                default: try scanner.skip()
                }
            }
        }
        #expect(seen == ["5", "x", "815e0", "true", "false", "nothing"])
    }

    @Test("another kind of value than the wanted one is refused", arguments: ["1.5", "1e2", "\"1\"", "null", "9223372036854775808"])
    func wrongKinds(text: String) {
        #expect(throws: MalformedJSON.self) { try scan(text) { try $0.integer() } }
    }

    @Test("what is skipped is held to the same rules", arguments: ["[01]", "{\"a\":tru}", "[\"\\x\"]", "[1,]", "\"\u{2}\""])
    func skipping(text: String) {
        #expect(throws: MalformedJSON.self) { try scan(text) { try $0.skip() } }
    }
}
