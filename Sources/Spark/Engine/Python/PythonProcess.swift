internal import IO

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// One Python interpreter as a child, and the frames that go to and fro. Blocks: used by one thread at a time, never by an event loop.
///
/// Its standard error is read while an answer is waited for, and written to the log line by line. It has a process group of its own, so
/// that what it started goes with it.
final class PythonProcess {
    struct Frame {
        var kind: UInt8
        var body: [UInt8]
    }

    enum Failure: Error {
        /// The interpreter could not be started.
        case unstartable(String)
        /// The process ended, with what its end says.
        case ended(String)
        case late(Duration)
    }

    private let pid: pid_t
    private let input: Int32
    private let output: Int32
    private let errors: Int32
    private let log: (String, String) -> Void
    /// Of the numbers that ``PythonWorker`` gives to functions.
    let generation: Int
    /// Functions that the process knows.
    var defined: Set<UInt32> = []
    /// What runs now, for the log.
    var label = ""
    private var line: [UInt8] = []
    private var lastLine: [UInt8] = []
    private var received: [UInt8] = []
    private var chunk = [UInt8](repeating: 0, count: 256 << 10)
    private var isEnded = false
    private var isSilent = false

    /// - Throws: ``Failure/unstartable(_:)``.
    init(
        interpreter: String, environment: [String: String], generation: Int, log: @escaping (String, String) -> Void
    ) throws(Failure) {
        self.generation = generation
        var ends: [Int32] = []
        for _ in 0..<3 {
            var pair: [Int32] = [0, 0]
            guard pipe(&pair) == 0 else {
                let reason = String(cString: strerror(errno))
                for end in ends { close(end) }
                throw .unstartable(reason)
            }
            // The child has copies of its own, and no other child shall keep these open.
            for end in pair { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            ends += pair
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[0], 0)
        posix_spawn_file_actions_adddup2(&actions, ends[3], 1)
        posix_spawn_file_actions_adddup2(&actions, ends[5], 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var ignored = sigset_t(), none = sigset_t()
        sigemptyset(&none)
        sigemptyset(&ignored)
        // The parent ignores these; a child is to die of them.
        sigaddset(&ignored, SIGPIPE)
        sigaddset(&ignored, SIGINT)
        sigaddset(&ignored, SIGTERM)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &ignored)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        let arguments = [interpreter, "-u", "-c", PythonWorkerScript.text]
        var argv = arguments.map { strdup($0) } + [nil]
        var envp = environment.sorted { $0.key < $1.key }.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in argv + envp { free(text) } }
        var child: pid_t = 0
        let code = posix_spawnp(&child, interpreter, &actions, &attributes, &argv, &envp)
        for end in [ends[0], ends[3], ends[5]] { close(end) }
        guard code == 0 else {
            for end in [ends[1], ends[2], ends[4]] { close(end) }
            throw .unstartable(String(cString: strerror(code)))
        }
        pid = child
        (input, output, errors) = (ends[1], ends[2], ends[4])
        self.log = log
        for end in [input, output, errors] { _ = fcntl(end, F_SETFL, fcntl(end, F_GETFL) | O_NONBLOCK) }
    }

    deinit { end() }

    /// Kills the process from another thread: the call that waits for it fails.
    var interruption: @Sendable () -> Void { { [pid] in kill(-pid, SIGKILL) } }

    /// Kills the process and all that it started. Idempotent.
    func end() {
        guard !isEnded else { return }
        isEnded = true
        kill(-pid, SIGKILL)
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        for end in [input, output, errors] { close(end) }
    }

    // MARK: Frames

    /// - Parameter deadline: nil: none.
    func send(_ kind: Character, _ body: some Collection<UInt8>, deadline: ContinuousClock.Instant?) throws(Failure) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(body.count + 5)
        bytes.append(kind.asciiValue ?? 0)
        withUnsafeBytes(of: UInt32(body.count).bigEndian) { bytes += $0 }
        bytes += body
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { write(input, $0.baseAddress! + sent, bytes.count - sent) }
            if count > 0 {
                sent += count
            } else if errno == EAGAIN {
                try wait(for: POLLOUT, deadline)
            } else if errno != EINTR {
                throw .ended(ending())
            }
        }
    }

    func receive(deadline: ContinuousClock.Instant?) throws(Failure) -> Frame {
        while true {
            if received.count >= 5 {
                let length = received[1..<5].reduce(0) { $0 << 8 | Int($1) }
                if received.count >= 5 + length {
                    let frame = Frame(kind: received[0], body: Array(received[5..<5 + length]))
                    received.removeFirst(5 + length)
                    return frame
                }
                received.reserveCapacity(5 + length)
            }
            let count = read(output, &chunk, chunk.count)
            if count > 0 {
                received += chunk[..<count]
                continue
            }
            guard count < 0, errno == EAGAIN || errno == EINTR else { throw .ended(ending()) }
            try wait(for: POLLIN, deadline)
        }
    }

    /// Waits until the wanted end is ready, and reads what is printed meanwhile.
    private func wait(for event: Int32, _ deadline: ContinuousClock.Instant?) throws(Failure) {
        while true {
            var wanted = [
                pollfd(fd: event == POLLOUT ? input : output, events: Int16(event), revents: 0),
                pollfd(fd: isSilent ? -1 : errors, events: Int16(POLLIN), revents: 0),
            ]
            var milliseconds: Int32 = -1
            if let deadline {
                let left = deadline - .now
                guard left > .zero else { throw .late(left) }
                milliseconds = Int32(clamping: Int64(left.inMilliseconds) + 1)
            }
            let count = poll(&wanted, 2, milliseconds)
            if count < 0, errno == EINTR { continue }
            if wanted[1].revents != 0 { readErrors() }
            if wanted[0].revents != 0 { return }
        }
    }

    /// - Returns: Whether there was something.
    @discardableResult
    private func readErrors() -> Bool {
        var chunk = [UInt8](repeating: 0, count: 8 << 10)
        let count = read(errors, &chunk, chunk.count)
        guard count > 0 else {
            isSilent = count == 0
            return false
        }
        for byte in chunk[..<count] {
            if byte == UInt8(ascii: "\n") {
                log(String(decoding: line, as: UTF8.self), label)
                lastLine = line
                line.removeAll(keepingCapacity: true)
            } else if line.count < 64 << 10 {
                line.append(byte)
            }
        }
        return true
    }

    /// How the process ended, with the last line that it printed.
    private func ending() -> String {
        var status: Int32 = 0
        // Its pipes are closed, so that it ends in a moment, or is ended.
        for _ in 0..<200 {
            if waitpid(pid, &status, WNOHANG) == pid { break }
            usleep(5_000)
        }
        while readErrors() {}
        if !line.isEmpty {
            log(String(decoding: line, as: UTF8.self), label)
            lastLine = line
        }
        let last = String(decoding: lastLine, as: UTF8.self)
        isEnded = true
        kill(-pid, SIGKILL)
        for end in [input, output, errors] { close(end) }
        let signal = status & 0x7F
        return (signal == 0 ? "it exited with \(status >> 8 & 0xFF)" : "signal \(signal) ended it") + (last.isEmpty ? "" : ": \(last)")
    }
}
