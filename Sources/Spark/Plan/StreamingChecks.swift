/// What a streaming query may not do, with the classes and words of Spark's UnsupportedOperationChecker.
struct StreamingChecks {
    let mode: OutputMode

    func check(_ plan: ResolvedPlan) throws {
        let aggregates = Self.streaming(plan) { if case .aggregate = $0 { true } else { false } }
        if mode == .complete, aggregates.isEmpty {
            throw Self.unsupported(mode, "no streaming aggregations")
        }
        if aggregates.count > 1, mode != .append {
            throw Self.refusal(
                "Multiple stateful operators are only supported in append mode; a chain of streaming aggregations is not supported with \(mode.rawValue) output mode."
            )
        }
        for aggregate in aggregates where mode == .append { try checkWatermark(of: aggregate) }
        try walk(plan)
    }

    /// Rows can be appended once only if the watermark says when a group is done.
    private func checkWatermark(of plan: ResolvedPlan) throws {
        guard case .aggregate(let aggregate, _) = plan else { return }
        guard aggregate.keys.indices.contains(where: { plan.eventTimes[$0] != nil }) else {
            throw Self.unsupported(mode, "streaming aggregations without watermark")
        }
    }

    private func walk(_ plan: ResolvedPlan) throws {
        guard plan.readsStream else { return }
        for child in plan.children { try walk(child) }
        switch plan {
        case .aggregate(let aggregate, _):
            if aggregate.calls.contains(where: \.isDistinct) {
                throw Self.refusal(
                    "Distinct aggregations are not supported on streaming DataFrames/Datasets. Consider using approx_count_distinct() instead."
                )
            }
            if aggregate.sets != nil {
                throw SparkError(
                    "UNSUPPORTED_FEATURE", sqlState: "0A000", "Grouping sets (rollup, cube) of a stream are not served by this engine.")
            }
        case .sort(_, let child):
            guard mode == .complete, Self.hasAggregate(child) else {
                throw Self.refusal(
                    "Sorting is not supported on streaming DataFrames/Datasets, unless it is on aggregated DataFrame/Dataset in Complete output mode"
                )
            }
        case .limit where mode == .update:
            throw Self.refusal("Limits are not supported on streaming DataFrames/Datasets in Update output mode")
        case .offset: throw Self.refusal("Offset is not supported on streaming DataFrames/Datasets")
        case .tail: throw Self.refusal("Tail is not supported on streaming DataFrames/Datasets")
        case .sample: throw Self.refusal("Sampling is not supported on streaming DataFrames/Datasets")
        case .window:
            throw SparkError(
                "NON_TIME_WINDOW_NOT_SUPPORTED_IN_STREAMING", sqlState: "42KDE",
                "Window function is not supported on streaming DataFrames/Datasets.\nStructured Streaming only supports time-window aggregation using the WINDOW function.",
                nextStep: "group by window(…)")
        case .setOperation(let kind, _, _, _, _):
            throw Self.refusal(
                kind == .intersect
                    ? "Intersect of streaming DataFrames/Datasets is not supported"
                    : "Except on a streaming DataFrame/Dataset is not supported")
        case .union(let left, let right, _) where left.readsStream != right.readsStream:
            throw Self.refusal("Union between streaming and batch DataFrames/Datasets is not supported")
        case .deduplicate(_, let child), .deduplicateWithin(_, let child):
            if Self.hasAggregate(child) {
                throw Self.refusal("dropDuplicates is not supported after aggregation on a streaming DataFrame/Dataset")
            }
            if case .deduplicateWithin = plan, child.eventTimes.isEmpty {
                throw Self.refusal(
                    "dropDuplicatesWithinWatermark is not supported on streaming DataFrames/DataSets without watermark")
            }
        case .join(let join, let left, let right): try check(join, left, right)
        default: break
        }
    }

    private func check(_ join: ResolvedJoin, _ left: ResolvedPlan, _ right: ResolvedPlan) throws {
        if left.readsStream, right.readsStream {
            throw SparkError(
                "UNSUPPORTED_FEATURE", sqlState: "0A000", "A join of two streams is not served by this engine.",
                nextStep: "write one stream to a table and join the other with that")
        }
        func outer(_ kind: String) -> SparkError {
            Self.refusal(
                left.readsStream
                    ? "\(kind) join with a streaming DataFrame/Dataset on the left and a static DataFrame/Dataset on the right is not supported"
                    : "\(kind) join with a streaming DataFrame/Dataset on the right and a static DataFrame/DataSet on the left is not supported"
            )
        }
        switch join.kind {
        case .inner: break
        case .leftOuter: if right.readsStream { throw outer("LeftOuter") }
        case .leftSemi: if right.readsStream { throw outer("LeftSemi") }
        case .leftAnti: if right.readsStream { throw outer("LeftAnti") }
        case .rightOuter: if left.readsStream { throw outer("RightOuter") }
        case .fullOuter: throw outer("FullOuter")
        case .mark: if right.readsStream { throw outer("Existence") }
        }
    }

    // MARK: Trees

    private static func streaming(_ plan: ResolvedPlan, _ test: (ResolvedPlan) -> Bool) -> [ResolvedPlan] {
        guard plan.readsStream else { return [] }
        return (test(plan) ? [plan] : []) + plan.children.flatMap { streaming($0, test) }
    }

    private static func hasAggregate(_ plan: ResolvedPlan) -> Bool {
        !streaming(plan) { if case .aggregate = $0 { true } else { false } }.isEmpty
    }

    static func refusal(_ message: String) -> SparkError { SparkError("_LEGACY_ERROR_TEMP_3102", sqlState: "0A000", message) }

    static func unsupported(_ mode: OutputMode, _ operation: String) -> SparkError {
        SparkError(
            "STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION", sqlState: "42KDE",
            "Invalid streaming output mode: \(mode.rawValue). This output mode is not supported for \(operation) on streaming DataFrames/DataSets."
        )
    }
}
