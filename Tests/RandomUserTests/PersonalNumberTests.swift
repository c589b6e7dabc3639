import Testing

@testable import RandomUser

/// Check digits, verified by rules written independently of the generator, and by numbers known to be valid.
@Suite("Personal numbers") struct PersonalNumberTests {
    private func draw(_ number: PersonalNumber, count: Int = 200, isMale: Bool = true) -> [[Int]] {
        var random = Xoshiro256(seed: 42)
        let holder = PersonalNumber.Holder(isMale: isMale, year: 1961, month: 7, day: 9, initial: UInt8(ascii: "K"))
        return (0..<count).map { _ in number.draw(for: holder, using: &random).compactMap(\.wholeNumberValue) }
    }

    @Test func luhnNumbersPass() {
        func passes(_ d: [Int]) -> Bool {
            d.reversed().enumerated().reduce(0) { $0 + ($1.offset % 2 == 1 ? [0, 2, 4, 6, 8, 1, 3, 5, 7, 9][$1.element] : $1.element) } % 10
                == 0
        }
        #expect(passes([4, 5, 3, 2, 0, 1, 5, 1, 1, 2, 8, 3, 0, 3, 6, 6]))
        #expect(draw(.socialInsurance).allSatisfy { $0.count == 9 && passes($0) })
        #expect(draw(.nss).allSatisfy { $0.count == 11 && passes($0) })
    }

    @Test func verhoeffNumbersPass() {
        #expect(PersonalNumber.verhoeff([2, 3, 6]) == [2, 3, 6, 3])
        #expect(PersonalNumber.verhoeffIsValid([2, 3, 6, 3]))
        #expect(!PersonalNumber.verhoeffIsValid([2, 3, 6, 4]))
        #expect(draw(.uidai).allSatisfy { $0.count == 12 && PersonalNumber.verhoeffIsValid($0) })
    }

    @Test func cpfPasses() {
        func passes(_ d: [Int]) -> Bool {
            for length in [9, 10] {
                var sum = 0
                for index in 0..<length { sum += d[index] * (length + 1 - index) }
                if sum * 10 % 11 % 10 != d[length] { return false }
            }
            return true
        }
        #expect(passes([5, 2, 9, 9, 8, 2, 2, 4, 7, 2, 5]))
        #expect(draw(.cpf).allSatisfy(passes))
    }

    @Test func inseePasses() {
        for d in draw(.insee, isMale: false) {
            let body = d[0..<13].reduce(0) { $0 * 10 + $1 }, key = d[13] * 10 + d[14]
            #expect((body + key) % 97 == 0)
            #expect(d[0] == 2 && d[1...4].elementsEqual([6, 1, 0, 7]))
        }
    }

    @Test func elevenTestsPass() {
        let weighted: (PersonalNumber, [Int], Bool) -> Bool = { number, weights, pad in
            draw(number).allSatisfy { d in zip((pad ? [0] : []) + d, weights).reduce(0) { $0 + $1.0 * $1.1 } % 11 == 0 }
        }
        #expect(weighted(.taxFileNumber, [1, 4, 3, 7, 5, 8, 6, 9, 10], false))
        #expect(weighted(.bsn, [9, 8, 7, 6, 5, 4, 3, 2, -1], true))
        #expect(weighted(.cpr, [4, 3, 2, 7, 6, 5, 4, 3, 2, 1], false))
        #expect(weighted(.fn, [3, 7, 6, 1, 8, 9, 4, 5, 2, 1, 0], false))
        #expect(weighted(.fn, [5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1], false))
    }

    @Test func swissNumbersAreEAN13() {
        #expect(draw(.avs).allSatisfy { d in d.enumerated().reduce(0) { $0 + $1.element * ($1.offset % 2 == 0 ? 1 : 3) } % 10 == 0 })
    }

    @Test func parityTellsTheGender() {
        #expect(draw(.cpr, isMale: true).allSatisfy { $0[9] % 2 == 1 })
        #expect(draw(.cpr, isMale: false).allSatisfy { $0[9] % 2 == 0 })
        #expect(draw(.fn, isMale: false).allSatisfy { $0[8] % 2 == 0 })
    }
}

@Suite("Digests") struct MessageDigestTests {
    /// The vectors of RFC 1321 A.5, FIPS 180's examples, and texts on both sides of the one-block border.
    @Test func knownAnswers() {
        #expect(MessageDigests.md5("".utf8) == "d41d8cd98f00b204e9800998ecf8427e")
        #expect(MessageDigests.md5("message digest".utf8) == "f96b697d7cb7938d525a2f31aaf161d0")
        #expect(
            MessageDigests.md5("12345678901234567890123456789012345678901234567890123456789012345678901234567890".utf8)
                == "57edf4a22be3c955ac49da2e2107b67a")
        #expect(MessageDigests.sha1("abc".utf8) == "a9993e364706816aba3e25717850c26c9cd0d89d")
        #expect(
            MessageDigests.sha1("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".utf8)
                == "84983e441c3bd26ebaae4aa1f95129e5e54670f1")
        #expect(MessageDigests.sha256("abc".utf8) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(
            MessageDigests.sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".utf8)
                == "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")
        #expect(MessageDigests.sha256("".utf8) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    }

    @Test func recordedLoginsCheckOut() throws {
        for user in try Fixture.users() {
            let salted = Array((user.login.password + user.login.salt).utf8)
            #expect(MessageDigests.md5(salted) == user.login.md5)
            #expect(MessageDigests.sha1(salted) == user.login.sha1)
            #expect(MessageDigests.sha256(salted) == user.login.sha256)
        }
    }
}
