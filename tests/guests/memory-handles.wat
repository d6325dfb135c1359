;; Makes handles of its own resource without end. They live in the host, where no limit on memories sees them.
;; Expected: malformed.
;; component

(type $thing (resource (rep i32)))
(core func $new (canon resource.new $thing))
(core module $flood
  (import "host" "new" (func $new (param i32) (result i32)))
  (func (export "attack") (param i32 i32 i32)
    (loop $more
      (drop (call $new (i32.const 1)))
      (br $more))))
(core instance $attack (instantiate $flood (with "host" (instance (export "new" (func $new))))))
