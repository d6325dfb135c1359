/* The exports, for a plugin of whatever name. They give the address of their result. */
#ifndef SLUICEGATE_EXPORTS_H
#define SLUICEGATE_EXPORTS_H

const void *sg_abi_describe(const sg_plugin *plugin);
const void *sg_abi_configure(const sg_plugin *plugin, const char *config, size_t len);
const void *sg_abi_inspect(const sg_text_guardrail *guardrail, const sg_window *windows, size_t len);
const void *sg_abi_check_request(const sg_request_guardrail *guardrail, const void *arguments);
const void *sg_abi_check_answer(const sg_answer_guardrail *guardrail, const void *arguments);
const void *sg_abi_route(const sg_router *router, const void *arguments);
const void *sg_abi_plan(const sg_cache *cache, const void *arguments);
const void *sg_abi_accept(const sg_cache *cache, const void *arguments);
const void *sg_abi_admit(const sg_cache *cache, const void *arguments);

#endif
