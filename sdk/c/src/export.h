/* What SG_PLUGIN and the macros of the kinds become in WebAssembly: the exports of the contract in `wit/`, and the component type
 * of the kind's world in a section of its own, from which the gateway makes a component of the module. */
#ifndef SLUICEGATE_EXPORT_H
#define SLUICEGATE_EXPORT_H

#include "exports.h"
#include "types.h"

#define SG_EXPORT_(kind, value) SG_EXPORT_##kind(value)
#define SG_EXPORTED_(name) __attribute__((export_name("sluicegate:plugin/" name)))

#define SG_EXPORT_plugin(value)                                                                                                 \
    SG_EXPORTED_("lifecycle@0.1.0#describe") const void *sg_export_describe(void);                                              \
    const void *sg_export_describe(void)                                                                                        \
    {                                                                                                                           \
        return sg_abi_describe(&(value));                                                                                       \
    }                                                                                                                           \
    SG_EXPORTED_("lifecycle@0.1.0#configure") const void *sg_export_configure(const char *config, size_t len);                  \
    const void *sg_export_configure(const char *config, size_t len)                                                             \
    {                                                                                                                           \
        return sg_abi_configure(&(value), config, len);                                                                         \
    }

#define SG_EXPORT_text_guardrail(value)                                                                                         \
    __asm__(SG_COMPONENT_TYPE_TEXT_GUARDRAIL);                                                                                  \
    SG_EXPORTED_("text-guardrail@0.1.0#inspect") const void *sg_export_inspect(const sg_window *windows, size_t len);           \
    const void *sg_export_inspect(const sg_window *windows, size_t len)                                                         \
    {                                                                                                                           \
        return sg_abi_inspect(&(value), windows, len);                                                                          \
    }

#define SG_EXPORT_WITH_(name, function, implementation, value)                                                                  \
    SG_EXPORTED_(name) const void *function(const void *arguments);                                                             \
    const void *function(const void *arguments)                                                                                 \
    {                                                                                                                           \
        return implementation(&(value), arguments);                                                                             \
    }

#define SG_EXPORT_request_guardrail(value)                                                                                      \
    __asm__(SG_COMPONENT_TYPE_REQUEST_GUARDRAIL);                                                                               \
    SG_EXPORT_WITH_("request-guardrail@0.1.0#check", sg_export_check_request, sg_abi_check_request, value)
#define SG_EXPORT_answer_guardrail(value)                                                                                       \
    __asm__(SG_COMPONENT_TYPE_ANSWER_GUARDRAIL);                                                                                \
    SG_EXPORT_WITH_("answer-guardrail@0.1.0#check", sg_export_check_answer, sg_abi_check_answer, value)
#define SG_EXPORT_router(value)                                                                                                 \
    __asm__(SG_COMPONENT_TYPE_ROUTER);                                                                                          \
    SG_EXPORT_WITH_("router@0.1.0#route", sg_export_route, sg_abi_route, value)
#define SG_EXPORT_cache(value)                                                                                                  \
    __asm__(SG_COMPONENT_TYPE_CACHE);                                                                                           \
    SG_EXPORT_WITH_("cache@0.1.0#plan", sg_export_plan, sg_abi_plan, value)                                                     \
    SG_EXPORT_WITH_("cache@0.1.0#accept", sg_export_accept, sg_abi_accept, value)                                               \
    SG_EXPORT_WITH_("cache@0.1.0#admit", sg_export_admit, sg_abi_admit, value)

#endif
