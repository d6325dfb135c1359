;; An endless loop in `describe`.
;; Expected: out-of-fuel.

(func (export "sluicegate:plugin/lifecycle@0.1.0#describe") (result i32)
  (loop $forever (br $forever))
  unreachable)
