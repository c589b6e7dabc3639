extension JSON {
    /// - Throws: ``MalformedJSON`` with the byte at which the text stops being JSON.
    package init(parsing text: String) throws(MalformedJSON) {
        var text = text
        let result: Result<JSON, MalformedJSON> = text.withUTF8 { utf8 in
            Result { () throws(MalformedJSON) in try JSON(document: UnsafeRawBufferPointer(utf8)) }
        }
        self = try result.get()
    }

    /// - Throws: ``MalformedJSON`` with the byte at which the bytes stop being JSON in UTF-8.
    package init(parsing bytes: some Collection<UInt8>) throws(MalformedJSON) {
        let result: Result<JSON, MalformedJSON> = Array(bytes).withUnsafeBytes { bytes in
            Result { () throws(MalformedJSON) in try JSON(document: bytes) }
        }
        self = try result.get()
    }

    private init(document bytes: UnsafeRawBufferPointer) throws(MalformedJSON) {
        var scanner = JSONScanner(bytes)
        self = try scanner.value()
        try scanner.end()
    }
}

extension JSONScanner {
    /// One value of any kind.
    package mutating func value() throws(MalformedJSON) -> JSON {
        switch try peek() {
        case UInt8(ascii: "{"):
            var members = JSON.Members()
            try object { (scanner: inout JSONScanner, name: String) throws(MalformedJSON) in members[name] = try scanner.value() }
            return .object(members)
        case UInt8(ascii: "["):
            var elements: [JSON] = []
            try array { (scanner: inout JSONScanner) throws(MalformedJSON) in elements.append(try scanner.value()) }
            return .array(elements)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"), UInt8(ascii: "f"): return .bool(try bool())
        case UInt8(ascii: "n"):
            try null()
            return .null
        default: return try anyNumber()
        }
    }

    private mutating func anyNumber() throws(MalformedJSON) -> JSON {
        let text = try numberText()
        if let value = Int64(text) { return .integer(value) }
        guard let value = Double(text), value.isFinite else {
            throw MalformedJSON(offset: at - text.utf8.count, wanted: "a number that a double can hold")
        }
        return .number(value)
    }
}
