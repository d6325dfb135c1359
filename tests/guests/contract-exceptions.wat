;; Exceptions, which the engine does not have.
;; Expected: refused.

(tag $thrown)
(func (throw $thrown))
