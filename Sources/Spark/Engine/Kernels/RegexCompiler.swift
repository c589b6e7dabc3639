/// Turns the tree of a pattern into instructions.
struct RegexCompiler {
    var instructions: [JavaRegex.Instruction] = []
    var sets: [CharacterSet] = []
    private(set) var slotCount: Int

    init(slotBase: Int) { slotCount = slotBase }

    private mutating func slot() -> Int {
        slotCount += 1
        return slotCount - 1
    }

    mutating func compile(_ node: JavaRegex.Node) {
        switch node {
        case .empty: break
        case .scalar(let value): instructions.append(value < 0x80 ? .byte(UInt8(value)) : .scalar(value))
        case .set(var set):
            set.seal()
            sets.append(set)
            instructions.append(.set(sets.count - 1))
        case .any(let newline): instructions.append(.any(matchesNewline: newline))
        case .sequence(let nodes): for node in nodes { compile(node) }
        case .alternatives(let nodes):
            var exits: [Int] = []
            for (index, node) in nodes.enumerated() {
                guard index < nodes.count - 1 else {
                    compile(node)
                    break
                }
                let split = instructions.count
                instructions.append(.match)
                compile(node)
                exits.append(instructions.count)
                instructions.append(.match)
                instructions[split] = .split(split + 1, instructions.count)
            }
            for exit in exits { instructions[exit] = .jump(instructions.count) }
        case .group(let node, let number):
            instructions.append(.save(number * 2))
            compile(node)
            instructions.append(.save(number * 2 + 1))
        case .repetition(let node, let least, let most, let greed):
            guard greed == .possessive else { return repetition(node, least, most, isGreedy: greed == .greedy) }
            compile(.atomic(.repetition(node, least: least, most: most, .greedy)))
        case .lineStart(let multiline): instructions.append(.lineStart(isMultiline: multiline))
        case .lineEnd(let multiline): instructions.append(.lineEnd(isMultiline: multiline))
        case .textStart: instructions.append(.textStart)
        case .textEnd: instructions.append(.textEnd)
        case .wordBoundary(let negated): instructions.append(.wordBoundary(isNegated: negated))
        case .backReference(let number, let ignoresCase): instructions.append(.backReference(number, ignoresCase: ignoresCase))
        case .look(let node, let isAhead, let isNegated):
            let at = instructions.count
            instructions.append(.match)
            compile(node)
            instructions.append(.match)
            instructions[at] = .look(end: instructions.count, isAhead: isAhead, isNegated: isNegated)
        case .atomic(let node):
            let at = instructions.count
            instructions.append(.match)
            compile(node)
            instructions.append(.match)
            instructions[at] = .atomic(end: instructions.count)
        }
    }

    private mutating func repetition(_ node: JavaRegex.Node, _ least: Int, _ most: Int, isGreedy: Bool) {
        func split(_ into: Int, _ past: Int) -> JavaRegex.Instruction { isGreedy ? .split(into, past) : .split(past, into) }
        switch (least, most) {
        case (0, 0): break
        case (0, 1):
            let at = instructions.count
            instructions.append(.match)
            compile(node)
            instructions[at] = split(at + 1, instructions.count)
        case (0, Int.max), (1, Int.max):
            if least == 1 { compile(node) }
            let at = instructions.count
            let mark = slot()
            instructions.append(.match)
            instructions.append(.loopStart(mark))
            compile(node)
            instructions.append(.loopCheck(mark, exit: instructions.count + 2))
            instructions.append(.jump(at))
            instructions[at] = split(at + 1, instructions.count)
        default:
            let counter = slot()
            instructions.append(.counterSet(counter))
            let loop = instructions.count
            instructions.append(.jump(0))
            let body = instructions.count
            compile(node)
            instructions[loop] = .jump(instructions.count)
            instructions.append(.counterLoop(counter, least: least, most: most, body: body, isGreedy: isGreedy))
        }
    }
}
