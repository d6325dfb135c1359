;; An endless loop after `configure` has answered.
;; Expected: out-of-fuel.

(func (export "cabi_post_sluicegate:plugin/lifecycle@0.1.0#configure") (param i32)
  (loop $forever (br $forever)))
