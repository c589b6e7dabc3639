extension Kernels {
    static let digests: [String: Kernel] = [
        "md5": Kernel { call in
            let bytes = call.text(0)
            return call.texts { row, out in hexadecimal(Digests.md5(bytes[row].bytes), to: &out) }
        },
        "sha": Kernel { call in
            let bytes = call.text(0)
            return call.texts { row, out in hexadecimal(Digests.sha1(bytes[row].bytes), to: &out) }
        },
        "sha2": Kernel { call in
            let (bytes, bits) = (call.text(0), call.int32(1))
            return call.texts { row, out in
                // 0 means 256.
                guard let digest = Digests.sha2(bytes[row].bytes, bits: bits[row] == 0 ? 256 : Int(bits[row])) else { return false }
                return hexadecimal(digest, to: &out)
            }
        },
        "crc32": Kernel { call in
            let bytes = call.text(0)
            return call.int64s { Int64(Digests.crc32(bytes[$0].bytes)) }
        },
        "hash": Kernel(.own) { call in call.int32s { row in call.columns.reduce(42) { $1.murmur3(row, $0) } } },
        "xxhash64": Kernel(.own) { call in call.int64s { row in call.columns.reduce(42) { $1.xxHash64(row, $0) } } },
    ]

    private static func hexadecimal(_ bytes: [UInt8], to out: inout [UInt8]) -> Bool {
        for byte in bytes { for digit in [byte >> 4, byte & 15] { out.append(digit < 10 ? 0x30 + digit : 0x57 + digit) } }
        return true
    }
}
