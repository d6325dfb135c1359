;; A million instances in a thousand bytes: each component instantiates the one below it ten times, and a compiler that
;; writes this out needs the memory, not the plugin.
;; Expected: refused.
;; component

(component $level-0
  (core module $one (memory 1))
  (core instance (instantiate $one)))
(component $level-1
  (alias outer 1 $level-0 (component $inner))
  ;; repeat 10: (instance (instantiate $inner))
)
(component $level-2
  (alias outer 1 $level-1 (component $inner))
  ;; repeat 10: (instance (instantiate $inner))
)
(component $level-3
  (alias outer 1 $level-2 (component $inner))
  ;; repeat 10: (instance (instantiate $inner))
)
(component $level-4
  (alias outer 1 $level-3 (component $inner))
  ;; repeat 10: (instance (instantiate $inner))
)
(component $level-5
  (alias outer 1 $level-4 (component $inner))
  ;; repeat 10: (instance (instantiate $inner))
)
(component $level-6
  (alias outer 1 $level-5 (component $inner))
  ;; repeat 10: (instance (instantiate $inner))
)
(instance (instantiate $level-6))
