internal import IO
internal import NIOPosix

/// Which way a streaming query runs: as branches, each chunk on its own, or as a plan with state.
extension QueryLauncher {
    /// A streaming plan that is settled and may run, not yet started.
    enum StreamPlan {
        case branches(PhysicalPlan)
        case stateful(ResolvedPlan, inputs: [PhysicalPlan])

        var schema: StructType {
            switch self {
            case .branches(let plan): plan.schema
            case .stateful(let plan, _): plan.schema
            }
        }

        /// Whether its branches call clients' functions; steps do so by themselves.
        var callsPython: Bool {
            if case .branches(let plan) = self { plan.callsPython } else { false }
        }

        /// The streams in the order of the sources.
        var streams: [PhysicalPlan.Branch] {
            switch self {
            case .branches(let plan): plan.branches
            case .stateful(_, let inputs): inputs.map { $0.branches[0] }
            }
        }
    }

    func streamPlan(_ definition: StreamingQueryDefinition) throws -> StreamPlan {
        let resolved = try resolver(SessionState()).resolve(definition.plan)
        try StreamingChecks(mode: definition.outputMode).check(resolved)
        let plain = resolved.withoutWatermarks
        let optimizer = Optimizer(fold: PlanCompiler.fold)
        if plain.isStateless { return .branches(try optimizer.optimize(plain)) }
        let plan = try PythonExtraction.settle(RelationalOptimizer(fold: PlanCompiler.fold).optimize(resolved))
        let scans = plan.streamScans
        guard !scans.isEmpty else {
            throw SparkError(
                "UNSUPPORTED_FEATURE", sqlState: "0A000", "A streaming query whose filter lets nothing pass is not served by this engine.")
        }
        return .stateful(plan, inputs: try scans.map(optimizer.optimize))
    }

    /// The state of a query, and the steps that use it; nil for one that runs as branches.
    func statefulQuery(
        _ plan: StreamPlan, _ definition: StreamingQueryDefinition, _ sources: [any StreamSource], _ id: StreamingQueryID
    ) throws -> StatefulQuery? {
        guard case .stateful(let resolved, let inputs) = plan else { return nil }
        let zone = try ZoneRules.named(definition.options["spark.sql.session.timeZone"] ?? "UTC")
        return StatefulQuery(
            resolved, mode: definition.outputMode,
            inputs: zip(sources, inputs).enumerated().map { number, pair in
                StreamInput(number: number, source: pair.0, pipeline: Pipeline(pair.1.branches[0], schema: pair.1.schema))
            },
            settings: StatefulQuery.Settings(
                batchRows: configuration.values.integer("engine.batch.rows"), memoryMax: configuration.values.bytes("engine.query.memory"),
                zone: zone, python: PythonContext(workers: python) { definition.options[$0] }),
            store: checkpoint, id: id, budget: stateBudget, planner: { [self] run in planner(run) })
    }
}
