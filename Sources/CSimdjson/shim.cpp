#include "CSimdjson.h"

#include <cstdlib>
#include <cstring>
#include <simdjson.h>
#include <string_view>
#include <utility>

using namespace simdjson;

// One call reads a whole batch: the on-demand parser walks each document once, in the document's order, and every wanted field is written
// straight into its column. Nothing is allocated for a document.

struct leat_json_parser {
    ondemand::parser parser;
};

namespace {

constexpr size_t padding = 64;

inline bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

inline std::string_view trimmed(std::string_view text) {
    while (!text.empty() && is_space(text.back())) { text.remove_suffix(1); }
    return text;
}

// RFC 8259's number, whole.
bool is_number(std::string_view text, bool &is_integer) {
    size_t i = 0, n = text.size();
    is_integer = true;
    if (i < n && text[i] == '-') { i++; }
    if (i >= n || text[i] < '0' || text[i] > '9') { return false; }
    if (text[i] == '0') {
        i++;
    } else {
        while (i < n && text[i] >= '0' && text[i] <= '9') { i++; }
    }
    if (i < n && text[i] == '.') {
        is_integer = false;
        size_t first = ++i;
        while (i < n && text[i] >= '0' && text[i] <= '9') { i++; }
        if (i == first) { return false; }
    }
    if (i < n && (text[i] == 'e' || text[i] == 'E')) {
        is_integer = false;
        i++;
        if (i < n && (text[i] == '+' || text[i] == '-')) { i++; }
        size_t first = i;
        while (i < n && text[i] >= '0' && text[i] <= '9') { i++; }
        if (i == first) { return false; }
    }
    return i == n;
}

struct Scan {
    const leat_json_field *fields;
    size_t field_count;
    uint8_t **scratch;
    uint8_t *scratch_next;
    size_t scratch_capacity;

    enum class Outcome { set, null, mismatch, malformed };

    bool keep(std::string_view text, leat_view &view) {
        if (*scratch == nullptr) {
            // Unescaping never lengthens, so the bytes of all documents bound what is kept. Untouched pages cost nothing.
            // The quote in front is for readers that look at the byte before a text, as they would in the document.
            *scratch = static_cast<uint8_t *>(malloc(1 + scratch_capacity + padding));
            if (*scratch == nullptr) { return false; }
            **scratch = '"';
            scratch_next = *scratch + 1;
        }
        memcpy(scratch_next, text.data(), text.size());
        view = leat_view{scratch_next, static_cast<int64_t>(text.size())};
        scratch_next += text.size();
        return true;
    }

    // A string's bytes: where they stand when nothing is escaped, which saves the copy.
    Outcome string(ondemand::value &value, std::string_view token, leat_view &view) {
        token = trimmed(token);
        if (token.size() < 2 || token.back() != '"') { return Outcome::malformed; }
        if (memchr(token.data() + 1, '\\', token.size() - 2) == nullptr) {
            view = leat_view{reinterpret_cast<const uint8_t *>(token.data()) + 1, static_cast<int64_t>(token.size() - 2)};
            return Outcome::set;
        }
        std::string_view text;
        if (value.get_string().get(text) != SUCCESS) { return Outcome::malformed; }
        return keep(text, view) ? Outcome::set : Outcome::malformed;
    }

    Outcome nested(ondemand::value &value, char first, leat_view &view) {
        std::string_view text;
        if (first == '{') {
            ondemand::object object;
            if (value.get_object().get(object) != SUCCESS || object.raw_json().get(text) != SUCCESS) { return Outcome::malformed; }
        } else {
            ondemand::array array;
            if (value.get_array().get(array) != SUCCESS || array.raw_json().get(text) != SUCCESS) { return Outcome::malformed; }
        }
        text = trimmed(text);
        view = leat_view{reinterpret_cast<const uint8_t *>(text.data()), static_cast<int64_t>(text.size())};
        return Outcome::set;
    }

    template <typename Integer>
    Outcome integer(ondemand::value &value, Integer *values, size_t row) {
        int64_t number;
        if (value.get_int64().get(number) != SUCCESS) { return Outcome::mismatch; }
        if (number < std::numeric_limits<Integer>::min() || number > std::numeric_limits<Integer>::max()) { return Outcome::mismatch; }
        values[row] = static_cast<Integer>(number);
        return Outcome::set;
    }

    // Spark reads these words as numbers where a fractional number is wanted (allowNonNumericNumbers).
    static bool special(std::string_view text, double &number) {
        if (text == "\"NaN\"") { number = std::numeric_limits<double>::quiet_NaN(); return true; }
        if (text == "\"Infinity\"" || text == "\"+Infinity\"" || text == "\"INF\"" || text == "\"+INF\"") {
            number = std::numeric_limits<double>::infinity();
            return true;
        }
        if (text == "\"-Infinity\"" || text == "\"-INF\"") { number = -std::numeric_limits<double>::infinity(); return true; }
        return false;
    }

    Outcome fractional(ondemand::value &value, std::string_view token, double &number) {
        if (value.get_double().get(number) == SUCCESS) { return Outcome::set; }
        return special(trimmed(token), number) ? Outcome::set : Outcome::mismatch;
    }

    Outcome read(ondemand::value &value, const leat_json_field &field, size_t row) {
        std::string_view token = value.raw_json_token();
        char first = token.empty() ? '\0' : token[0];
        if (first == 'n') {
            return trimmed(token) == "null" ? Outcome::null : Outcome::malformed;
        }
        leat_view *views = static_cast<leat_view *>(field.values);
        switch (field.kind) {
        case LEAT_JSON_STRING:
        case LEAT_JSON_TEXT:
        case LEAT_JSON_TEXT_OR_NUMBER: {
            if (first == '"') { return string(value, token, views[row]); }
            if (field.kind == LEAT_JSON_TEXT) { return Outcome::mismatch; }
            if (first == '{' || first == '[') {
                return field.kind == LEAT_JSON_STRING ? nested(value, first, views[row]) : Outcome::mismatch;
            }
            token = trimmed(token);
            bool is_integer;
            if (first == 't' || first == 'f') {
                if (token != "true" && token != "false") { return Outcome::malformed; }
                if (field.kind != LEAT_JSON_STRING) { return Outcome::mismatch; }
            } else {
                if (!is_number(token, is_integer)) { return Outcome::malformed; }
                if (field.kind == LEAT_JSON_TEXT_OR_NUMBER && !is_integer) { return Outcome::mismatch; }
            }
            views[row] = leat_view{reinterpret_cast<const uint8_t *>(token.data()), static_cast<int64_t>(token.size())};
            return Outcome::set;
        }
        case LEAT_JSON_BOOLEAN: {
            bool flag;
            if (value.get_bool().get(flag) != SUCCESS) { return Outcome::mismatch; }
            static_cast<uint8_t *>(field.values)[row] = flag ? 1 : 0;
            return Outcome::set;
        }
        case LEAT_JSON_INT8: return integer(value, static_cast<int8_t *>(field.values), row);
        case LEAT_JSON_INT16: return integer(value, static_cast<int16_t *>(field.values), row);
        case LEAT_JSON_INT32: return integer(value, static_cast<int32_t *>(field.values), row);
        case LEAT_JSON_INT64: return integer(value, static_cast<int64_t *>(field.values), row);
        case LEAT_JSON_FLOAT: {
            double number;
            Outcome outcome = fractional(value, token, number);
            if (outcome == Outcome::set) { static_cast<float *>(field.values)[row] = static_cast<float>(number); }
            return outcome;
        }
        case LEAT_JSON_DOUBLE: return fractional(value, token, static_cast<double *>(field.values)[row]);
        case LEAT_JSON_OBJECT: return first == '{' ? nested(value, first, views[row]) : Outcome::mismatch;
        case LEAT_JSON_ARRAY: return first == '[' ? nested(value, first, views[row]) : Outcome::mismatch;
        default: return Outcome::mismatch;
        }
    }

    inline bool key_is(const char *key, const char *limit, const leat_json_field &field) const {
        size_t length = static_cast<size_t>(field.name_length);
        return key + length < limit && key[length] == '"' && memcmp(key, field.name, length) == 0;
    }

    // The field that a key names, trying first the one that followed last time: producers write fields in one order.
    int find(ondemand::field &field, const char *limit, size_t guess) {
        const char *key = field.key().raw();
        if (guess < field_count && key_is(key, limit, fields[guess])) { return static_cast<int>(guess); }
        for (size_t i = 0; i < field_count; i++) {
            if (key_is(key, limit, fields[i])) { return static_cast<int>(i); }
        }
        const void *end = memchr(key, '"', static_cast<size_t>(limit - key));
        const void *escape = end == nullptr ? nullptr : memchr(key, '\\', static_cast<size_t>(static_cast<const char *>(end) - key));
        if (escape == nullptr) { return -1; }
        std::string_view name;
        if (field.unescaped_key().get(name) != SUCCESS) { return -1; }
        for (size_t i = 0; i < field_count; i++) {
            if (name == std::string_view(fields[i].name, static_cast<size_t>(fields[i].name_length))) { return static_cast<int>(i); }
        }
        return -1;
    }

    void clear(size_t row) {
        for (size_t i = 0; i < field_count; i++) { fields[i].validity[row >> 6] &= ~(uint64_t(1) << (row & 63)); }
    }

    // The code for one document.
    int document(ondemand::parser &parser, const leat_view &view, size_t row, leat_json_problem &problem) {
        const char *start = reinterpret_cast<const char *>(view.start);
        size_t length = static_cast<size_t>(view.length);
        size_t lead = 0;
        while (lead < length && is_space(start[lead])) { lead++; }
        if (lead == length) { return LEAT_JSON_EMPTY; }
        problem.position = -1;
        problem.field = -1;
        ondemand::document document;
        auto error = parser.iterate(start, length, length + padding).get(document);
        if (error) {
            problem.message = error_message(error);
            return LEAT_JSON_MALFORMED;
        }
        if (start[lead] != '{') {
            problem.position = static_cast<int32_t>(lead);
            problem.message = "the document is not a JSON object";
            return start[lead] == '[' || start[lead] == '"' || start[lead] == '-' || (start[lead] >= '0' && start[lead] <= '9')
                    ? LEAT_JSON_NOT_OBJECT
                    : LEAT_JSON_MALFORMED;
        }
        ondemand::object object;
        if ((error = document.get_object().get(object))) {
            problem.message = error_message(error);
            return LEAT_JSON_MALFORMED;
        }
        const char *limit = start + length;
        size_t guess = 0;
        int code = LEAT_JSON_OK;
        for (auto item : object) {
            ondemand::field field;
            if ((error = std::move(item).get(field))) { break; }
            int index = find(field, limit, guess);
            if (index < 0) { continue; }
            guess = static_cast<size_t>(index) + 1;
            ondemand::value value = field.value();
            const leat_json_field &target = fields[index];
            const char *place = value.raw_json_token().data();
            Outcome outcome = read(value, target, row);
            uint64_t bit = uint64_t(1) << (row & 63);
            // The last of several values of one name stands, as in Spark.
            switch (outcome) {
            case Outcome::set: target.validity[row >> 6] |= bit; break;
            case Outcome::null: target.validity[row >> 6] &= ~bit; break;
            case Outcome::mismatch:
                target.validity[row >> 6] &= ~bit;
                if (code == LEAT_JSON_OK) {
                    code = LEAT_JSON_MISMATCH;
                    problem.field = index;
                    problem.position = static_cast<int32_t>(place - start);
                    problem.message = "the value has another type";
                }
                break;
            case Outcome::malformed:
                problem.field = index;
                problem.position = static_cast<int32_t>(place - start);
                problem.message = "the value is not JSON";
                clear(row);
                return LEAT_JSON_MALFORMED;
            }
        }
        if (error) {
            const char *place;
            problem.field = -1;
            problem.position = document.current_location().get(place) == SUCCESS ? static_cast<int32_t>(place - start) : -1;
            problem.message = error_message(error);
            clear(row);
            return LEAT_JSON_MALFORMED;
        }
        return code;
    }
};

} // namespace

leat_json_parser *leat_json_parser_create(void) { return new (std::nothrow) leat_json_parser(); }

void leat_json_parser_destroy(leat_json_parser *parser) { delete parser; }

size_t leat_json_scan(
    leat_json_parser *parser, const leat_view *documents, const uint64_t *document_validity, const int32_t *rows, size_t row_count,
    const leat_json_field *fields, size_t field_count, uint64_t *object_validity, leat_json_problem *problems, size_t problem_capacity,
    uint8_t **scratch) {
    Scan scan{fields, field_count, scratch, *scratch, 0};
    for (size_t i = 0; i < row_count; i++) {
        size_t row = rows == nullptr ? i : static_cast<size_t>(rows[i]);
        if (document_validity == nullptr || (document_validity[row >> 6] >> (row & 63) & 1)) {
            scan.scratch_capacity += static_cast<size_t>(documents[row].length);
        }
    }
    size_t count = 0;
    for (size_t i = 0; i < row_count; i++) {
        size_t row = rows == nullptr ? i : static_cast<size_t>(rows[i]);
        leat_json_problem problem{static_cast<int32_t>(row), LEAT_JSON_OK, -1, -1, ""};
        if (document_validity != nullptr && !(document_validity[row >> 6] >> (row & 63) & 1)) {
            problem.code = LEAT_JSON_NULL;
        } else {
            problem.code = scan.document(parser->parser, documents[row], row, problem);
        }
        if (problem.code != LEAT_JSON_NULL && problem.code != LEAT_JSON_EMPTY) {
            object_validity[row >> 6] |= uint64_t(1) << (row & 63);
        }
        if (problem.code != LEAT_JSON_OK) {
            if (count < problem_capacity) { problems[count] = problem; }
            count++;
        }
    }
    return count;
}
