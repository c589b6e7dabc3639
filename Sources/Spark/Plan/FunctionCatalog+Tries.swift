/// Functions that give null where the ones they are named after raise an error. Errors of their arguments stay errors.
extension FunctionCatalog {
    static let tries: [FunctionDefinition] =
        [
            attempt("try_add", "+"), attempt("try_subtract", "-"), attempt("try_multiply", "*"), attempt("try_divide", "/"),
            attempt("try_mod", "%"), attempt("try_element_at", "element_at"), attempt("try_to_timestamp", "to_timestamp"),
            attempt("try_to_date", "to_date"), attempt("try_make_interval", "make_interval"),
            attempt("try_make_timestamp", "make_timestamp"), attempt("try_make_timestamp_ntz", "make_timestamp_ntz"),
            attempt("try_make_timestamp_ltz", "make_timestamp_ltz"),
        ]

    private static func attempt(_ name: String, _ inner: String) -> FunctionDefinition {
        guard let definition = (operators + dates + clocks + intervals + collections).first(where: { $0.names.contains(inner) }) else {
            preconditionFailure("\(name) is named after a function that is not there")
        }
        return FunctionDefinition(name, arity: definition.arity) { call in try attempted(try definition.resolve(&call)) }
    }

    /// The operation itself is tried; its arguments are evaluated as they are.
    static func attempted(_ expression: ResolvedExpression) throws -> ResolvedExpression {
        switch expression {
        case .call, .cast: .call(.named("try_of"), [expression], expression.dataType)
        default: expression
        }
    }
}
