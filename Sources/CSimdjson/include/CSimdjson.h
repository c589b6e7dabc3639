#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Bytes somewhere in memory that stays readable for 64 bytes beyond their end.
typedef struct {
    const uint8_t *start;
    int64_t length;
} leat_view;

/// What a field becomes. The two text kinds are views: into the document where the string has no escapes, else into the scan's own memory.
enum {
    LEAT_JSON_STRING = 0,     // any value: strings unescaped, all else by its text (leat_view)
    LEAT_JSON_TEXT = 1,       // strings only (leat_view)
    LEAT_JSON_TEXT_OR_NUMBER = 2, // strings, and whole numbers by their text (leat_view)
    LEAT_JSON_BOOLEAN = 3,    // uint8_t
    LEAT_JSON_INT8 = 4,
    LEAT_JSON_INT16 = 5,
    LEAT_JSON_INT32 = 6,
    LEAT_JSON_INT64 = 7,
    LEAT_JSON_FLOAT = 8,
    LEAT_JSON_DOUBLE = 9,
    LEAT_JSON_OBJECT = 10,    // the text of an object (leat_view)
    LEAT_JSON_ARRAY = 11,     // the text of an array (leat_view)
};

/// One field of the program: where its values and its validity bits (one a row, already zero) go.
typedef struct {
    const char *name;
    int32_t name_length;
    int32_t kind;
    void *values;
    uint64_t *validity;
} leat_json_field;

enum {
    LEAT_JSON_OK = 0,
    LEAT_JSON_NULL = 1,       // no document: the row is null
    LEAT_JSON_EMPTY = 2,      // nothing but white space: the row is null
    LEAT_JSON_MALFORMED = 3,  // not JSON: no field is set
    LEAT_JSON_NOT_OBJECT = 4, // JSON of another kind at the root: no field is set
    LEAT_JSON_MISMATCH = 5,   // fields that fit are set; `field` is the first that does not
};

/// What became of a row that is not LEAT_JSON_OK: the byte position in the document (-1: unknown) and the field (-1: none).
typedef struct {
    int32_t row;
    int32_t code;
    int32_t field;
    int32_t position;
    const char *message;      // static text
} leat_json_problem;

typedef struct leat_json_parser leat_json_parser;

leat_json_parser *leat_json_parser_create(void);
void leat_json_parser_destroy(leat_json_parser *parser);

/// Reads the documents of one batch.
///
/// `rows` names the rows to read, ascending, or is NULL for all of `0..<row_count`; `document_validity` is NULL when no document is null.
/// `object_validity` gets a bit for every row whose struct is not null. Problems are written up to `problem_capacity`; the return value is
/// the number there were. Unescaped text goes to `*scratch`, allocated here when first wanted (free it with `free`) and big enough for the whole batch.
size_t leat_json_scan(
    leat_json_parser *parser, const leat_view *documents, const uint64_t *document_validity, const int32_t *rows, size_t row_count,
    const leat_json_field *fields, size_t field_count, uint64_t *object_validity, leat_json_problem *problems, size_t problem_capacity,
    uint8_t **scratch);

#ifdef __cplusplus
}
#endif
