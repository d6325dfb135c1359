//! Generated from `wit/`: nothing else lives here. One world for each exported interface, so that a
//! plugin exports just what it implements; `wit-component` joins them.
#![allow(missing_docs, unreachable_pub, clippy::all, clippy::restriction)]

/// What a plugin imports, and the types that every interface shares.
pub mod imports {
    wit_bindgen::generate!({
        inline: "
            package sluicegate:sdk-imports;
            world imports {
                import sluicegate:plugin/types@0.1.0;
                import sluicegate:plugin/log@0.1.0;
                import sluicegate:plugin/patterns@0.1.0;
                import sluicegate:plugin/kv@0.1.0;
                import sluicegate:plugin/clock@0.1.0;
                import sluicegate:plugin/http@0.1.0;
                import sluicegate:plugin/embedding@0.1.0;
                import sluicegate:plugin/model@0.1.0;
            }
        ",
        path: "../../wit",
        generate_all,
        pub_export_macro: true,
        additional_derives: [PartialEq],
    });
}

/// The export `lifecycle`.
pub mod lifecycle {
    wit_bindgen::generate!({
        inline: "
            package sluicegate:sdk-lifecycle;
            world lifecycle { export sluicegate:plugin/lifecycle@0.1.0; }
        ",
        path: "../../wit",
        generate_all,
        pub_export_macro: true,
        export_macro_name: "export_lifecycle",
        default_bindings_module: "::sluicegate_plugin::bindings::lifecycle",
    });
}

macro_rules! interface {
    ($module:ident, $world:literal, $macro:literal, $bindings:literal) => {
        pub mod $module {
            wit_bindgen::generate!({
                inline: $world,
                path: "../../wit",
                generate_all,
                with: { "sluicegate:plugin/types@0.1.0": super::imports::sluicegate::plugin::types },
                pub_export_macro: true,
                export_macro_name: $macro,
                default_bindings_module: $bindings,
                additional_derives: [PartialEq],
            });
        }
    };
}

interface!(
    text_guardrail,
    "package sluicegate:sdk-text-guardrail;
     world text-guardrail { export sluicegate:plugin/text-guardrail@0.1.0; }",
    "export_text_guardrail",
    "::sluicegate_plugin::bindings::text_guardrail"
);
interface!(
    request_guardrail,
    "package sluicegate:sdk-request-guardrail;
     world request-guardrail { export sluicegate:plugin/request-guardrail@0.1.0; }",
    "export_request_guardrail",
    "::sluicegate_plugin::bindings::request_guardrail"
);
interface!(
    answer_guardrail,
    "package sluicegate:sdk-answer-guardrail;
     world answer-guardrail { export sluicegate:plugin/answer-guardrail@0.1.0; }",
    "export_answer_guardrail",
    "::sluicegate_plugin::bindings::answer_guardrail"
);
interface!(
    router,
    "package sluicegate:sdk-router;
     world router { export sluicegate:plugin/router@0.1.0; }",
    "export_router",
    "::sluicegate_plugin::bindings::router"
);
interface!(
    cache,
    "package sluicegate:sdk-cache;
     world cache { export sluicegate:plugin/cache@0.1.0; }",
    "export_cache",
    "::sluicegate_plugin::bindings::cache"
);
