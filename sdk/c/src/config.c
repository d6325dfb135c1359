/* Settings: the schema that the host checks a configuration against, and where their values go. */
#include "internal.h"

static void add_bound(sg_buffer *schema, const char *keyword, double bound)
{
    sg_add(schema, SG(", \""));
    sg_add(schema, sg_cstr(keyword));
    sg_add(schema, SG("\": "));
    /* In thousandths, which is finer than anybody bounds a setting. */
    int64_t thousandths = (int64_t)(bound * 1000 + (bound < 0 ? -0.5 : 0.5));
    if (thousandths < 0)
        sg_add_byte(schema, '-');
    uint64_t size = thousandths < 0 ? 0 - (uint64_t)thousandths : (uint64_t)thousandths;
    sg_add_number(schema, (int64_t)(size / 1000));
    if (size % 1000 != 0) {
        char digits[] = {'.', (char)('0' + size / 100 % 10), (char)('0' + size / 10 % 10), (char)('0' + size % 10)};
        sg_add(schema, (sg_str){digits, sizeof digits});
    }
}

/* The largest bound that is written; what is above is none. */
#define BOUND_MAX 9e15

static bool is_bound(double bound)
{
    return bound > -BOUND_MAX && bound < BOUND_MAX;
}

static void add_setting(sg_buffer *schema, const sg_setting *setting)
{
    static const char *const types[] = {
        [SG_SETTING_STR] = "string",   [SG_SETTING_STRS] = "array",    [SG_SETTING_BOOL] = "boolean",
        [SG_SETTING_INT] = "integer", [SG_SETTING_NUMBER] = "number",
    };
    SG_ASSERT(setting->kind >= SG_SETTING_STR && setting->kind <= SG_SETTING_NUMBER);
    sg_add_json(schema, sg_cstr(setting->name));
    sg_add(schema, SG(": {\"type\": \""));
    sg_add(schema, sg_cstr(types[setting->kind]));
    sg_add_byte(schema, '"');
    if (setting->about != NULL) {
        sg_add(schema, SG(", \"description\": "));
        sg_add_json(schema, sg_cstr(setting->about));
    }
    bool number = setting->kind == SG_SETTING_INT || setting->kind == SG_SETTING_NUMBER;
    if (number && is_bound(setting->min))
        add_bound(schema, "minimum", setting->min);
    if (number && is_bound(setting->max))
        add_bound(schema, "maximum", setting->max);
    if (setting->kind == SG_SETTING_STR && setting->min > 0)
        add_bound(schema, "minLength", setting->min);
    if (setting->kind == SG_SETTING_STRS) {
        sg_add(schema, SG(", \"items\": {\"type\": \"string\""));
        if (setting->each_min > 0)
            add_bound(schema, "minLength", setting->each_min);
        sg_add_byte(schema, '}');
        if (setting->min > 0)
            add_bound(schema, "minItems", setting->min);
    }
    sg_json fallback;
    /* One that is not JSON would spoil the schema; it is told when the plugin is configured. */
    if (setting->fallback != NULL && sg_json_read(sg_cstr(setting->fallback), &fallback).kind == SG_OK) {
        sg_add(schema, SG(", \"default\": "));
        sg_add(schema, sg_cstr(setting->fallback));
    }
    sg_add_byte(schema, '}');
}

sg_optional_str sg_schema_of(const sg_plugin *plugin)
{
    if (plugin->schema != NULL)
        return (sg_optional_str){true, sg_cstr(plugin->schema)};
    sg_buffer schema = {0}, required = {0};
    sg_add(&schema, SG("{\"type\": \"object\", \"additionalProperties\": false, \"properties\": {"));
    for (size_t at = 0; at < plugin->settings.len; at++) {
        const sg_setting *setting = &plugin->settings.data[at];
        if (at > 0)
            sg_add(&schema, SG(", "));
        add_setting(&schema, setting);
        if (setting->fallback == NULL) {
            if (required.len > 0)
                sg_add(&required, SG(", "));
            sg_add_json(&required, sg_cstr(setting->name));
        }
    }
    sg_add_byte(&schema, '}');
    if (required.len > 0) {
        sg_add(&schema, SG(", \"required\": ["));
        sg_add(&schema, sg_text(&required));
        sg_add_byte(&schema, ']');
    }
    sg_add_byte(&schema, '}');
    return (sg_optional_str){true, sg_text(&schema)};
}

static size_t characters(sg_str text)
{
    size_t count = 0;
    for (size_t at = 0; at < text.len; at++)
        count += sg_is_boundary(text, at);
    return count;
}

static sg_error wrong(const sg_setting *setting, const char *words)
{
    sg_buffer message = {0};
    sg_add_byte(&message, '`');
    sg_add(&message, sg_cstr(setting->name));
    sg_add(&message, SG("` "));
    sg_add(&message, sg_cstr(words));
    return (sg_error){SG_OTHER, sg_text(&message)};
}

static sg_error read_strs(const sg_setting *setting, const sg_json *value)
{
    if (value->kind != SG_JSON_ARRAY)
        return wrong(setting, "must be a list of texts");
    if ((double)value->len < setting->min)
        return wrong(setting, setting->min > 1 ? "has too few texts" : "must not be empty");
    sg_str *strs = sg_new(sg_str, value->len);
    for (size_t at = 0; at < value->len; at++) {
        if (value->data[at].kind != SG_JSON_STRING)
            return wrong(setting, "must be a list of texts");
        strs[at] = value->data[at].string;
        if ((double)characters(strs[at]) < setting->each_min)
            return wrong(setting, setting->each_min > 1 ? "has a text that is too short" : "has an empty text");
    }
    *setting->into.strs = (sg_strs){strs, value->len};
    return SG_DONE;
}

/* The host has checked the value against the schema; tests come here without. */
static sg_error read_setting(const sg_setting *setting, const sg_json *value)
{
    bool within = value->number >= setting->min && value->number <= setting->max;
    switch (setting->kind) {
    case SG_SETTING_STR:
        if (value->kind != SG_JSON_STRING)
            return wrong(setting, "must be a text");
        if ((double)characters(value->string) < setting->min)
            return wrong(setting, setting->min > 1 ? "is too short" : "must not be empty");
        *setting->into.str = value->string;
        return SG_DONE;
    case SG_SETTING_STRS:
        return read_strs(setting, value);
    case SG_SETTING_BOOL:
        if (value->kind != SG_JSON_BOOL)
            return wrong(setting, "must be true or false");
        *setting->into.boolean = value->boolean;
        return SG_DONE;
    case SG_SETTING_INT:
        if (value->kind != SG_JSON_NUMBER || !value->whole)
            return wrong(setting, "must be a whole number");
        if (!within)
            return wrong(setting, "is out of bounds");
        *setting->into.integer = value->integer;
        return SG_DONE;
    case SG_SETTING_NUMBER:
        if (value->kind != SG_JSON_NUMBER)
            return wrong(setting, "must be a number");
        if (!within)
            return wrong(setting, "is out of bounds");
        *setting->into.number = value->number;
        return SG_DONE;
    default:
        SG_PANIC("a setting of no kind");
    }
}

sg_error sg_configure_plugin(const sg_plugin *plugin, sg_str text)
{
    sg_json *config = sg_new(sg_json, 1);
    /* Nothing was configured. */
    if (sg_trim(text).len == 0)
        text = SG("{}");
    SG_TRY(sg_json_read(text, config));
    if (config->kind != SG_JSON_OBJECT)
        return sg_fail("the configuration must be a table");
    for (size_t at = 0; at < plugin->settings.len; at++) {
        const sg_setting *setting = &plugin->settings.data[at];
        const sg_json *given = sg_json_get(config, setting->name);
        sg_json fallback;
        if (given == NULL) {
            if (setting->fallback == NULL)
                return wrong(setting, "is missing");
            if (sg_json_read(sg_cstr(setting->fallback), &fallback).kind != SG_OK)
                return wrong(setting, "has a default that is not JSON, in which a text stands in quotes");
            given = &fallback;
        }
        SG_TRY(read_setting(setting, given));
    }
    return plugin->configure == NULL ? SG_DONE : plugin->configure(config);
}
