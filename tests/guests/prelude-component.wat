;; Behind a guest that says `;; component`: the calm guest of `prelude.wat` as a component, written out. Its attack is
;; the function "attack" of the instance `$attack`, so that a guest can give it what only a component has.

;; unless (core instance $attack
(core module $calm (func (export "attack") (param i32 i32 i32)))
(core instance $attack (instantiate $calm))

;; unless (core module $guest
(core module $guest
  (import "attack" "attack" (func $attack (param i32 i32 i32)))
  ;; prelude.wat
)
(core instance $guest (instantiate $guest (with "attack" (instance $attack))))

;; unless (type $role-type
;; The types of the contract. A function that is exported may only use types that are exported too.
(type $role-type (enum "system" "user" "assistant" "tool"))
(export $role "role" (type $role-type))
(type $channel-type (enum
  "content" "reasoning" "refusal" "tool-arguments" "tool-result" "passage" "tool-definition" "name" "other"))
(export $channel "channel" (type $channel-type))
(type $phase-type (enum "request" "answer"))
(export $phase "phase" (type $phase-type))
(type $span-type (record (field "start" u32) (field "end" u32)))
(export $span "span" (type $span-type))
(type $edit-type (record (field "span" $span) (field "replacement" string) (field "restore" bool)))
(export $edit "edit" (type $edit-type))
(type $finding-type (record (field "rule" string) (field "span" (option $span)) (field "score" f32)))
(export $finding "finding" (type $finding-type))
(type $denial-type (record
  (field "code" string) (field "reason" string) (field "detail" (option string))))
(export $denial "denial" (type $denial-type))
(type $error-type (variant
  (case "unsupported" string) (case "unavailable" string) (case "other" string)))
(export $error "plugin-error" (type $error-type))
(type $description-type (record
  (field "name" string) (field "version" string) (field "summary" string) (field "config-schema" (option string))))
(export $description "description" (type $description-type))
(type $window-type (record
  (field "phase" $phase) (field "role" $role) (field "channel" $channel)
  (field "text" string) (field "context" u32) (field "final" bool)))
(export $window "window" (type $window-type))
(type $action-type (variant (case "allow") (case "edit" (list $edit)) (case "deny" $denial)))
(export $action "action" (type $action-type))
(type $verdict-type (record
  (field "action" $action) (field "findings" (list $finding)) (field "hold" u32)))
(export $verdict "verdict" (type $verdict-type))

;; unless (func $lifted-describe
(func $lifted-describe (result $description)
  (canon lift (core func $guest "sluicegate:plugin/lifecycle@0.1.0#describe") (memory (core memory $guest "memory"))))

;; unless (instance $lifecycle
(func $lifted-configure (param "config" string) (result (result (error string)))
  (canon lift (core func $guest "sluicegate:plugin/lifecycle@0.1.0#configure")
    (memory (core memory $guest "memory")) (realloc (core func $guest "cabi_realloc"))))
(func $lifted-inspect (param "windows" (list $window)) (result (result (list $verdict) (error $error)))
  (canon lift (core func $guest "sluicegate:plugin/text-guardrail@0.1.0#inspect")
    (memory (core memory $guest "memory")) (realloc (core func $guest "cabi_realloc"))))
(instance $lifecycle (export "describe" (func $lifted-describe)) (export "configure" (func $lifted-configure)))
(instance $text-guardrail (export "inspect" (func $lifted-inspect)))
(export "sluicegate:plugin/lifecycle@0.1.0" (instance $lifecycle))
(export "sluicegate:plugin/text-guardrail@0.1.0" (instance $text-guardrail))
