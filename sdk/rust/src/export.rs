//! The glue between the traits and the generated exports.

/// Make the exports of a plugin: its type, then the interfaces that it implements.
///
/// ```ignore
/// export!(Pii: text_guardrail);
/// export!(Scope: request_guardrail, answer_guardrail);
/// export!(Intents: router);
/// export!(Answers: cache);
/// ```
#[macro_export]
macro_rules! export {
    ($plugin:ty: $($interface:ident),+ $(,)?) => {
        const _: () = {
            static PLUGIN: ::std::sync::OnceLock<$plugin> = ::std::sync::OnceLock::new();

            #[allow(dead_code)]
            fn plugin() -> &'static $plugin {
                // The host calls `configure` first; a call before it is the host's mistake.
                PLUGIN.get().expect("the plugin is used before it is configured")
            }

            #[allow(dead_code)]
            struct Export;

            impl $crate::bindings::lifecycle::exports::sluicegate::plugin::lifecycle::Guest for Export {
                fn describe() -> $crate::bindings::lifecycle::exports::sluicegate::plugin::lifecycle::Description {
                    $crate::panics::tell();
                    $crate::bindings::lifecycle::exports::sluicegate::plugin::lifecycle::Description {
                        name: <$plugin as $crate::Plugin>::NAME.into(),
                        version: <$plugin as $crate::Plugin>::VERSION.into(),
                        summary: <$plugin as $crate::Plugin>::SUMMARY.into(),
                        config_schema: <$plugin as $crate::Plugin>::config_schema(),
                    }
                }

                fn configure(config: ::std::string::String) -> ::std::result::Result<(), ::std::string::String> {
                    $crate::panics::tell();
                    let config = $crate::read_config(&config)?;
                    let plugin = <$plugin as $crate::Plugin>::configure(config)?;
                    $($crate::__configured!($interface, &plugin);)+
                    PLUGIN.set(plugin).map_err(|_| "the plugin is configured already".into())
                }
            }

            // A native build has no use for the exports, and its linker does not take their names.
            #[cfg(target_arch = "wasm32")]
            $crate::bindings::lifecycle::export_lifecycle!(Export);
            $($crate::__export_interface!($interface, Export, plugin);)+
        };
    };
}

/// What is left to do for an interface when its plugin is configured; called by [`export!`].
#[doc(hidden)]
#[macro_export]
macro_rules! __configured {
    (text_guardrail, $plugin:expr) => {
        $crate::text::install_prefilter($plugin)?;
    };
    ($interface:ident, $plugin:expr) => {};
}

/// One exported interface; called by [`export!`].
#[doc(hidden)]
#[macro_export]
macro_rules! __export_interface {
    (text_guardrail, $export:ident, $plugin:ident) => {
        impl $crate::bindings::text_guardrail::exports::sluicegate::plugin::text_guardrail::Guest for $export {
            fn inspect(
                windows: ::std::vec::Vec<$crate::text::Window>,
            ) -> ::std::result::Result<::std::vec::Vec<$crate::text::Verdict>, $crate::PluginError> {
                Ok(windows.iter().map(|window| $crate::TextGuardrail::inspect($plugin(), window)).collect())
            }
        }
        #[cfg(target_arch = "wasm32")]
        $crate::bindings::text_guardrail::export_text_guardrail!($export);
    };
    (request_guardrail, $export:ident, $plugin:ident) => {
        impl $crate::bindings::request_guardrail::exports::sluicegate::plugin::request_guardrail::Guest for $export {
            fn check(request: $crate::Request) -> ::std::result::Result<$crate::request::Verdict, $crate::PluginError> {
                $crate::RequestGuardrail::check($plugin(), &request)
            }
        }
        #[cfg(target_arch = "wasm32")]
        $crate::bindings::request_guardrail::export_request_guardrail!($export);
    };
    (answer_guardrail, $export:ident, $plugin:ident) => {
        impl $crate::bindings::answer_guardrail::exports::sluicegate::plugin::answer_guardrail::Guest for $export {
            fn check(
                request: $crate::Request,
                answer: $crate::Answer,
            ) -> ::std::result::Result<$crate::answer::Verdict, $crate::PluginError> {
                $crate::AnswerGuardrail::check($plugin(), &request, &answer)
            }
        }
        #[cfg(target_arch = "wasm32")]
        $crate::bindings::answer_guardrail::export_answer_guardrail!($export);
    };
    (router, $export:ident, $plugin:ident) => {
        impl $crate::bindings::router::exports::sluicegate::plugin::router::Guest for $export {
            fn route(
                request: $crate::Request,
                targets: ::std::vec::Vec<$crate::router::Target>,
            ) -> ::std::result::Result<$crate::router::Routing, $crate::PluginError> {
                $crate::Router::route($plugin(), &request, &targets)
            }
        }
        #[cfg(target_arch = "wasm32")]
        $crate::bindings::router::export_router!($export);
    };
    (cache, $export:ident, $plugin:ident) => {
        impl $crate::bindings::cache::exports::sluicegate::plugin::cache::Guest for $export {
            fn plan(
                request: $crate::Request,
                findings: ::std::vec::Vec<$crate::Finding>,
            ) -> ::std::result::Result<$crate::cache::Intention, $crate::PluginError> {
                $crate::Cache::plan($plugin(), &request, &findings)
            }

            fn accept(
                request: $crate::Request,
                candidate: $crate::cache::Candidate,
            ) -> ::std::result::Result<bool, $crate::PluginError> {
                $crate::Cache::accept($plugin(), &request, &candidate)
            }

            fn admit(
                request: $crate::Request,
                answer: $crate::Answer,
                findings: ::std::vec::Vec<$crate::Finding>,
            ) -> ::std::result::Result<::std::option::Option<$crate::cache::Admission>, $crate::PluginError> {
                $crate::Cache::admit($plugin(), &request, &answer, &findings)
            }
        }
        #[cfg(target_arch = "wasm32")]
        $crate::bindings::cache::export_cache!($export);
    };
}
