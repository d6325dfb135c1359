;; In front of a guest that says `;; with patterns`: it has one set, compiled from a list of expressions when it is
;; configured. The list is at 1024, its expressions are wherever it says, and results are written to 2048.

(import "sluicegate:plugin/patterns@0.1.0" "compile" (func $compile (param i32 i32 i32)))
(import "sluicegate:plugin/patterns@0.1.0" "find" (func $find (param i32 i32 i32 i32)))
;; The set, whether there is a tail, where it is and its length, where the result goes.
(import "sluicegate:plugin/patterns@0.1.0" "prefilter" (func $prefilter (param i32 i32 i32 i32 i32)))

;; unless (data $expressions
;; One expression, 1 byte long, at 1040.
(data $expressions (i32.const 1024) "\10\04\00\00" "\01\00\00\00")
(data (i32.const 1040) "a")

;; unless (global $set
(global $set (mut i32) (i32.const 0))

;; unless (func $configure
;; The host's refusal becomes the plugin's.
(func $configure (result i32 i32)
  (call $compile (i32.const 1024) (i32.const 1) (i32.const 2048))
  (if (result i32 i32) (i32.load8_u (i32.const 2048))
    (then (i32.load (i32.const 2052)) (i32.load (i32.const 2056)))
    (else
      (global.set $set (i32.load (i32.const 2052)))
      (i32.const 0)
      (i32.const 0))))
