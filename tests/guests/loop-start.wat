;; An endless loop in the start function, which runs before the plugin is called at all.
;; Expected: out-of-fuel.

(start $start)
(func $start
  (loop $forever (br $forever)))
