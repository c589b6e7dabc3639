/// Makes the steps of a plan that runs once.
struct BatchPlanner {
    let run: BatchRun
    let open: @Sendable (PhysicalPlan.Branch) throws -> any StreamSource
    let memoryTable: @Sendable (String) -> MemoryTable?
    let arrow: @Sendable ([[UInt8]], StructType) throws -> [ResultBatch]
    /// For one micro-batch of a streaming query: the steps that only that has.
    var stream: StreamPlanning?

    func plan(_ plan: ResolvedPlan) throws -> any BatchOperator {
        if let step = try stream?.step(plan, self) { return step }
        let schema = plan.schema
        if Self.isScan(plan) {
            let physical = try Optimizer(fold: PlanCompiler.fold).optimize(plan)
            return ScanOperator(physical.branches[0], schema: schema, run: run, open: open)
        }
        switch plan {
        case .source: throw Resolver.unserved("The source here")
        case .values(let rows, let schema): return ValuesOperator(rows, schema, run: run)
        case .arrow(let streams, let schema):
            return BatchesOperator(run: run) { [arrow] in try arrow(streams, schema) }
        case .memoryTable(let name, let schema):
            return BatchesOperator(run: run) { [memoryTable] in
                let rows = memoryTable(name)?.rows ?? []
                return [
                    ResultBatch(
                        columns: schema.fields.indices.map { index in
                            MemorySource.column(rows.map { $0[index] }, schema.fields[index].dataType)
                        }, count: rows.count)
                ]
            }
        case .range(let start, let end, let step): return RangeOperator(start: start, end: end, step: step, run: run)
        case .project, .filter:
            var stages: [PhysicalPlan.Stage] = []
            var below = plan
            while true {
                if case .project(let columns, let child) = below {
                    stages.append(.project(columns))
                    below = child
                } else if case .filter(let condition, let child) = below {
                    stages.append(.filter(condition))
                    below = child
                } else {
                    break
                }
                if Self.isScan(below) { break }
            }
            return StagesOperator(try self.plan(below), stages.reversed(), schema: schema, run: run)
        case .limit(let count, .sort(let keys, let child)):
            return LimitOperator(SortOperator(try self.plan(child), keys, limit: count, schema: schema, run: run), count: count)
        case .limit(let count, .offset(let offset, .sort(let keys, let child))):
            return LimitOperator(
                SortOperator(
                    try self.plan(child), keys, limit: offset.addingReportingOverflow(count).partialValue, schema: schema, run: run),
                count: count, offset: offset)
        case .limit(let count, .offset(let offset, let child)): return LimitOperator(try self.plan(child), count: count, offset: offset)
        case .limit(let count, let child): return LimitOperator(try self.plan(child), count: count)
        case .offset(let offset, let child): return LimitOperator(try self.plan(child), offset: offset)
        case .tail(let count, let child): return TailOperator(try self.plan(child), count: count, schema: schema, run: run)
        case .sort(let keys, let child): return SortOperator(try self.plan(child), keys, limit: nil, schema: schema, run: run)
        case .union(let left, let right, _): return UnionOperator([try self.plan(left), try self.plan(right)])
        case .setOperation(let kind, let isAll, let left, let right, _):
            return SetOperator(kind, isAll: isAll, try self.plan(left), try self.plan(right), run: run)
        case .join(let join, let left, let right):
            return JoinOperator(join, try self.plan(left), try self.plan(right), left.schema, right.schema, run: run)
        case .aggregate(let aggregate, let child) where aggregate.calls.contains(where: \.function.isPython):
            return PythonGroupsOperator(try self.plan(child), aggregate, child.schema, run: run)
        case .aggregate(let aggregate, let child): return AggregateOperator(try self.plan(child), aggregate, run: run)
        case .python(.evaluate(let calls), let child): return PythonEvaluateOperator(try self.plan(child), calls, run: run)
        case .python(.map(let function, let output), let child):
            return PythonMapOperator(try self.plan(child), function, child.schema, output, run: run)
        case .python(.mapGroups(let function, let keys, let output), let child):
            return PythonGroupsOperator(try self.plan(child), function, keys: keys, child.schema, output, run: run)
        case .window(let calls, let child): return WindowOperator(try self.plan(child), calls, schema: child.schema, run: run)
        case .generate(let generator, let child): return GenerateOperator(try self.plan(child), generator, run: run)
        case .expand(let rows, let schema, let child): return ExpandOperator(try self.plan(child), rows, schema: schema, run: run)
        case .deduplicate(let keys, let child): return DeduplicateOperator(try self.plan(child), keys: keys, run: run)
        // What is there is all there is: nothing comes late.
        case .watermark(_, _, let child): return try self.plan(child)
        case .deduplicateWithin:
            throw SparkError(
                "UNSUPPORTED_FEATURE", sqlState: "0A000",
                "dropDuplicatesWithinWatermark is not supported with batch DataFrames/DataSets.", nextStep: "call dropDuplicates")
        case .sample(let sample, let child): return SampleOperator(try self.plan(child), sample)
        case .singleRow(let child): return SingleRowOperator(try self.plan(child), schema: child.schema)
        case .show(let format, let child): return ShowOperator(try self.plan(child), format, schema: child.schema, run: run)
        case .observe(let name, let aggregate, let columns, let child):
            return ObserveOperator(try self.plan(child), name: name, aggregate, columns, run: run)
        }
    }

    /// Filters and projections over one source: they run on its chunks.
    static func isScan(_ plan: ResolvedPlan) -> Bool {
        switch plan {
        case .source: true
        case .project(_, let child), .filter(_, let child): isScan(child)
        default: false
        }
    }
}
