/// Runs a pattern's instructions over one text at a time, with its stack and slots kept for the next.
final class RegexMatcher {
    let regex: JavaRegex
    /// Byte offsets: group n is `slots[2n]..<slots[2n + 1]`, -1 where it took no part; counters and loops follow.
    private(set) var slots: [Int]
    private var stack: [Frame] = []
    private var bytes = UnsafeBufferPointer<UInt8>(start: nil, count: 0)
    private var steps = 0

    private enum Frame {
        /// Try this instruction at this byte.
        case branch(Int, at: Int)
        /// Put a slot back.
        case restore(Int, Int)
    }

    init(_ regex: JavaRegex) {
        self.regex = regex
        slots = Array(repeating: -1, count: max(2, regex.slotCount))
    }

    func range(_ group: Int) -> Range<Int>? {
        let (start, end) = (slots[group * 2], slots[group * 2 + 1])
        return start >= 0 && end >= start ? start..<end : nil
    }

    /// The first match that begins at `from` or later.
    func find(_ text: ByteView, from: Int = 0) throws -> Range<Int>? {
        bytes = text.bytes
        steps = 0
        var start = from
        while start <= bytes.count {
            if let first = regex.firstByte {
                while start < bytes.count, bytes[start] != first { start += 1 }
                if start >= bytes.count { return nil }
            }
            for index in slots.indices { slots[index] = -1 }
            if let end = try run(0, at: start) {
                slots[0] = start
                slots[1] = end
                return start..<end
            }
            start += 1
            while start < bytes.count, bytes[start] & 0xC0 == 0x80 { start += 1 }
        }
        return nil
    }

    private func set(_ slot: Int, _ value: Int) {
        stack.append(.restore(slot, slots[slot]))
        slots[slot] = value
    }

    private func isWord(_ index: Int) -> Bool {
        guard index >= 0, index < bytes.count else { return false }
        let byte = bytes[index]
        return byte &- 0x30 < 10 || byte & 0xDF &- 0x41 < 26 || byte == 0x5F
    }

    /// - Returns: where the match ends.
    private func run(_ start: Int, at first: Int) throws -> Int? {
        var (pc, at) = (start, first)
        let base = stack.count
        func backtrack() -> Bool {
            while stack.count > base {
                switch stack.removeLast() {
                case .restore(let slot, let value): slots[slot] = value
                case .branch(let instruction, let position):
                    pc = instruction
                    at = position
                    return true
                }
            }
            return false
        }
        while true {
            steps += 1
            if steps > JavaRegex.stepsMax {
                throw SparkError(
                    "UNSUPPORTED_FEATURE", sqlState: "0A000",
                    "A regular expression that takes more than \(JavaRegex.stepsMax) steps for one text is not served by this engine.")
            }
            var isMatch = true
            switch regex.instructions[pc] {
            case .match:
                // What is left on the stack are ways not taken; restores among them are forgotten with them.
                stack.removeLast(stack.count - base)
                return at
            case .byte(let byte):
                if at < bytes.count, bytes[at] == byte { at += 1 } else { isMatch = false }
            case .scalar(let value):
                if let (scalar, width) = UTF8Text.scalar(bytes, at: at), scalar.value == value { at += width } else { isMatch = false }
            case .set(let index):
                if let (scalar, width) = UTF8Text.scalar(bytes, at: at), regex.sets[index].contains(scalar.value) {
                    at += width
                } else {
                    isMatch = false
                }
            case .any(let newline):
                if let (scalar, width) = UTF8Text.scalar(bytes, at: at),
                    newline || ![0x0A, 0x0D, 0x85, 0x2028, 0x2029].contains(scalar.value)
                {
                    at += width
                } else {
                    isMatch = false
                }
            case .jump(let target):
                pc = target
                continue
            case .split(let one, let other):
                stack.append(.branch(other, at: at))
                pc = one
                continue
            case .save(let slot): set(slot, at)
            case .lineStart(let multiline): isMatch = at == 0 || multiline && bytes[at - 1] == 0x0A && at < bytes.count
            case .lineEnd(let multiline):
                isMatch = at == bytes.count || at == bytes.count - 1 && bytes[at] == 0x0A || multiline && bytes[at] == 0x0A
            case .textStart: isMatch = at == 0
            case .textEnd: isMatch = at == bytes.count
            case .wordBoundary(let negated): isMatch = (isWord(at - 1) != isWord(at)) != negated
            case .backReference(let group, let ignoresCase):
                guard let range = range(group), at + range.count <= bytes.count else {
                    isMatch = false
                    break
                }
                for offset in 0..<range.count {
                    let (a, b) = (bytes[range.lowerBound + offset], bytes[at + offset])
                    if a != b, !(ignoresCase && a ^ b == 0x20 && a & 0xDF &- 0x41 < 26) { isMatch = false }
                }
                if isMatch { at += range.count }
            case .look(let end, let isAhead, let isNegated):
                let kept = slots
                var found = false
                if isAhead {
                    found = try run(pc + 1, at: at) != nil
                } else {
                    // Behind: from wherever the look would have to begin to end here.
                    var begin = at
                    while begin >= 0, !found {
                        if begin == bytes.count || bytes[begin] & 0xC0 != 0x80 { found = try run(pc + 1, at: begin) == at }
                        begin -= 1
                    }
                }
                if isNegated || !found { slots = kept }
                isMatch = found != isNegated
                if isMatch {
                    pc = end
                    continue
                }
            case .atomic(let end):
                if let position = try run(pc + 1, at: at) {
                    at = position
                    pc = end
                    continue
                }
                isMatch = false
            case .loopStart(let slot): set(slot, at)
            case .loopCheck(let slot, let exit):
                if slots[slot] == at {
                    pc = exit
                    continue
                }
            case .counterSet(let slot): set(slot, -1)
            case .counterLoop(let slot, let least, let most, let body, let isGreedy):
                let rounds = slots[slot] + 1
                set(slot, rounds)
                if rounds < least {
                    pc = body
                    continue
                }
                if rounds < most {
                    if isGreedy {
                        stack.append(.branch(pc + 1, at: at))
                        pc = body
                        continue
                    }
                    stack.append(.branch(body, at: at))
                }
            }
            if isMatch {
                pc += 1
            } else if !backtrack() {
                return nil
            }
        }
    }
}
