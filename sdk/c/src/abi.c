/* The exports: what the host hands in is read where it lies, and what a plugin says is laid out as the contract has it. */
#include "abi.h"
#include "exports.h"

static sg_abi_error error_of(sg_error error)
{
    switch (error.kind) {
    case SG_UNSUPPORTED:
        return (sg_abi_error){0, error.message};
    case SG_OTHER:
        return (sg_abi_error){2, error.message};
    default:
        /* What a capability said. */
        return (sg_abi_error){1, error.message};
    }
}

static sg_findings findings_of(const sg_finding_list *list)
{
    return (sg_findings){list->data, list->len};
}

const void *sg_abi_describe(const sg_plugin *plugin)
{
    sg_abi_description *description = sg_new(sg_abi_description, 1);
    description->name = sg_cstr(plugin->name);
    description->version = sg_cstr(plugin->version);
    description->summary = sg_cstr(plugin->summary);
    description->config_schema = sg_schema_of(plugin);
    return description;
}

const void *sg_abi_configure(const sg_plugin *plugin, const char *config, size_t len)
{
    sg_abi_done_or_text *done = sg_new(sg_abi_done_or_text, 1);
    sg_error error = sg_configure_plugin(plugin, (sg_str){config, len});
    if (error.kind != SG_OK)
        *done = (sg_abi_done_or_text){1, error.message};
    return done;
}

static sg_abi_edits plain_edits(const sg_edit_list *edits)
{
    sg_abi_edit *plain = sg_new(sg_abi_edit, edits->len);
    for (size_t at = 0; at < edits->len; at++) {
        const sg_edit *edit = &edits->data[at];
        plain[at] = (sg_abi_edit){edit->span, edit->replacement, edit->restore};
    }
    return (sg_abi_edits){plain, edits->len};
}

const void *sg_abi_inspect(const sg_text_guardrail *guardrail, const sg_window *windows, size_t len)
{
    sg_abi_inspected *inspected = sg_new(sg_abi_inspected, 1);
    sg_abi_text_verdict *verdicts = sg_new(sg_abi_text_verdict, len);
    for (size_t at = 0; at < len; at++) {
        sg_verdict verdict = {0};
        sg_error error = sg_run_inspect(guardrail, &windows[at], &verdict);
        if (error.kind != SG_OK) {
            inspected->tag = 1;
            inspected->value.error = error_of(error);
            return inspected;
        }
        sg_abi_text_verdict *into = &verdicts[at];
        if (verdict.denied) {
            into->action.tag = SG_ABI_DENY;
            into->action.value.denial = verdict.denial;
        } else if (verdict.edits.len != 0) {
            into->action.tag = SG_ABI_EDIT;
            into->action.value.edits = plain_edits(&verdict.edits);
        }
        into->findings = findings_of(&verdict.findings);
        into->hold = (uint32_t)verdict.hold;
    }
    inspected->value.verdicts.data = verdicts;
    inspected->value.verdicts.len = len;
    return inspected;
}

static const void *checked_of(sg_error error, const sg_verdict *verdict, uint8_t deny)
{
    sg_abi_checked *checked = sg_new(sg_abi_checked, 1);
    if (error.kind != SG_OK) {
        checked->tag = 1;
        checked->value.error = error_of(error);
        return checked;
    }
    sg_abi_verdict *into = &checked->value.verdict;
    if (verdict->denied) {
        into->action.tag = deny;
        into->action.value.denial = verdict->denial;
    } else if (verdict->retried) {
        into->action.tag = SG_ABI_ANSWER_RETRY;
        into->action.value.correction = verdict->correction;
    } else if (verdict->edits.len != 0) {
        into->action.tag = SG_ABI_EDIT;
        into->action.value.edits = (sg_abi_segment_edits){verdict->edits.data, verdict->edits.len};
    }
    into->findings = findings_of(&verdict->findings);
    return checked;
}

const void *sg_abi_check_request(const sg_request_guardrail *guardrail, const void *arguments)
{
    sg_verdict verdict = {0};
    sg_error error = sg_run_check_request(guardrail, arguments, &verdict);
    return checked_of(error, &verdict, SG_ABI_DENY);
}

const void *sg_abi_check_answer(const sg_answer_guardrail *guardrail, const void *arguments)
{
    const sg_abi_check_answer_arguments *given = arguments;
    sg_verdict verdict = {0};
    sg_error error = sg_run_check_answer(guardrail, &given->request, &given->answer, &verdict);
    return checked_of(error, &verdict, SG_ABI_ANSWER_DENY);
}

const void *sg_abi_route(const sg_router *router, const void *arguments)
{
    const sg_abi_route_arguments *given = arguments;
    sg_abi_routed *routed = sg_new(sg_abi_routed, 1);
    sg_routing routing = {0};
    sg_error error = sg_run_route(router, &given->request, given->targets, &routing);
    if (error.kind != SG_OK) {
        routed->tag = 1;
        routed->value.error = error_of(error);
        return routed;
    }
    sg_abi_routing *into = &routed->value.routing;
    into->decision.tag = routing.decision;
    switch (routing.decision) {
    case SG_ROUTE_TARGETS:
        into->decision.value.targets = (sg_abi_indices){routing.targets.data, routing.targets.len};
        break;
    case SG_ROUTE_ANSWER:
        into->decision.value.answer = routing.text;
        break;
    case SG_ROUTE_ESCALATE:
        into->decision.value.escalation.queue = routing.queue;
        into->decision.value.escalation.text = routing.text;
        break;
    case SG_ROUTE_DENY:
        into->decision.value.denial = routing.denial;
        break;
    default:
        break;
    }
    into->on_rejection = (sg_abi_indices){routing.on_rejection.data, routing.on_rejection.len};
    into->intent = routing.intent;
    into->findings = findings_of(&routing.findings);
    return routed;
}

const void *sg_abi_plan(const sg_cache *cache, const void *arguments)
{
    const sg_abi_plan_arguments *given = arguments;
    sg_abi_planned *planned = sg_new(sg_abi_planned, 1);
    sg_intention intention = {0};
    sg_error error = sg_run_plan(cache, &given->request, given->findings, &intention);
    if (error.kind != SG_OK) {
        planned->tag = 1;
        planned->value.error = error_of(error);
    } else if (intention.look_up) {
        sg_abi_intention *into = &planned->value.intention;
        into->tag = 1;
        into->look_up.key = intention.key;
        into->look_up.by_meaning.given = intention.by_meaning;
        into->look_up.by_meaning.value.text = intention.meaning;
        into->look_up.by_meaning.value.threshold = intention.threshold;
        into->look_up.age_ms_max = intention.age_ms_max;
    }
    return planned;
}

const void *sg_abi_accept(const sg_cache *cache, const void *arguments)
{
    const sg_abi_accept_arguments *given = arguments;
    sg_abi_accepted *accepted = sg_new(sg_abi_accepted, 1);
    bool says = false;
    sg_error error = sg_run_accept(cache, &given->request, &given->candidate, &says);
    if (error.kind != SG_OK) {
        accepted->tag = 1;
        accepted->value.error = error_of(error);
    } else {
        accepted->value.accepted = says;
    }
    return accepted;
}

const void *sg_abi_admit(const sg_cache *cache, const void *arguments)
{
    const sg_abi_admit_arguments *given = arguments;
    sg_abi_admitted *admitted = sg_new(sg_abi_admitted, 1);
    uint64_t ttl_ms = 0;
    sg_error error = sg_run_admit(cache, &given->request, &given->answer, given->findings, &ttl_ms);
    if (error.kind != SG_OK) {
        admitted->tag = 1;
        admitted->value.error = error_of(error);
    } else {
        admitted->value.admission.given = ttl_ms != 0;
        admitted->value.admission.ttl_ms = ttl_ms;
    }
    return admitted;
}
