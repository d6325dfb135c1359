;; Garbage-collected types, which the engine does not have.
;; Expected: refused.

(type $node (struct (field (mut i32))))
(func (drop (struct.new_default $node)))
