;; Compiles a set in `describe`, and traps when it is refused; a number would let it into service.
;; Expected: trapped.
;; with patterns

;; What it says of itself: name, version and summary are the text at 128, and there is no schema.
(data (i32.const 3072) "\80\00\00\00" "\05\00\00\00" "\80\00\00\00" "\05\00\00\00" "\80\00\00\00" "\05\00\00\00")
(func (export "sluicegate:plugin/lifecycle@0.1.0#describe") (result i32)
  (call $compile (i32.const 1024) (i32.const 1) (i32.const 2048))
  (if (i32.load8_u (i32.const 2048)) (then unreachable))
  (i32.const 3072))
