;; A core module that says it in bytes without meaning.
;; Expected: refused.
;; without metadata

(@custom "component-type" "\00asm\0d\00\01\00\07\ff\ff\ff\ff\0f not a component type")
