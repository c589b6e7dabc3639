/// The names behind the numbers of what a client may ask for, so that a refusal can name it.
enum SparkConnectNames {
    /// `Relation.rel_type`.
    static let relations: [Int: String] = [
        2: "read", 3: "project", 4: "filter", 5: "join", 6: "set_op", 7: "sort", 8: "limit", 9: "aggregate", 10: "sql",
        11: "local_relation", 12: "sample", 13: "offset", 14: "deduplicate", 15: "range", 16: "subquery_alias", 17: "repartition",
        18: "to_df", 19: "with_columns_renamed", 20: "show_string", 21: "drop", 22: "tail", 23: "with_columns", 24: "hint",
        25: "unpivot", 26: "to_schema", 27: "repartition_by_expression", 28: "map_partitions", 29: "collect_metrics", 30: "parse",
        31: "group_map", 32: "co_group_map", 33: "with_watermark", 34: "apply_in_pandas_with_state", 35: "html_string",
        36: "cached_local_relation", 37: "cached_remote_relation", 38: "common_inline_user_defined_table_function", 39: "as_of_join",
        40: "common_inline_user_defined_data_source", 41: "with_relations", 42: "transpose", 43: "unresolved_table_valued_function",
        44: "lateral_join", 45: "chunked_cached_local_relation", 46: "relation_changes", 47: "nearest_by_join", 48: "zip",
        90: "fill_na", 91: "drop_na", 92: "replace", 100: "summary", 101: "crosstab", 102: "describe", 103: "cov", 104: "corr",
        105: "approx_quantile", 106: "freq_items", 107: "sample_by", 200: "catalog", 300: "ml_relation", 998: "extension",
        999: "unknown",
    ]

    /// `Command.command_type`.
    static let commands: [Int: String] = [
        1: "register_function", 2: "write_operation", 3: "create_dataframe_view", 4: "write_operation_v2", 5: "sql_command",
        6: "write_stream_operation_start", 7: "streaming_query_command", 8: "get_resources_command",
        9: "streaming_query_manager_command", 10: "register_table_function", 11: "streaming_query_listener_bus_command",
        12: "register_data_source", 13: "create_resource_profile_command", 14: "checkpoint_command",
        15: "remove_cached_remote_relation_command", 16: "merge_into_table_command", 17: "ml_command", 18: "execute_external_command",
        19: "pipeline_command", 999: "extension",
    ]
}
