import ArgumentParser

@main
struct LeatCommand: AsyncParsableCommand {
    func run() async throws { print("leat") }
}
