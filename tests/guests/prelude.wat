;; What every guest begins with: a plugin that is well-behaved and allows everything. A guest's own file says only
;; what is hostile about it.
;;
;; `guests.rs` puts this text behind the guest's. A part that begins with `;; unless TEXT` is left out where the guest
;; holds TEXT, so a guest replaces a part by writing its own; one that begins with `;; exports NAME` is left out unless
;; the guest exports NAME, see `;; exports:` there. `{name}` is the guest's name.
;;
;; The layouts are the canonical ABI's (bytes from the start of the record):
;;
;;   window       0 phase, 1 role, 2 channel, 4 text, 8 its length, 12 context, 16 final; 20 in all
;;   verdict      0 action, 32 findings, 36 their number, 40 hold; 44 in all. Of a request or an answer: no hold, 40
;;   action       0 which (0 allow, 1 edit, 2 deny; of an answer 2 retry, 3 deny), 4 the payload; 32 in all
;;   edits        0 address, 4 number. edit: 0 start, 4 end, 8 replacement, 12 its length, 16 restore; 20 in all
;;   denial       0 code, 4 its length, 8 reason, 12 its length, 16 has detail, 20 detail, 24 its length; 28 in all
;;   finding      0 rule, 4 its length, 8 has span, 12 start, 16 end, 20 score; 24 in all
;;   result       0 which (0 ok, 1 error), 4 the payload. ok of `inspect`: 4 verdicts, 8 their number
;;   plugin-error 0 which, 4 text, 8 its length
;;   description  0 name, 8 version, 16 summary, 24 has schema, 28 schema; 36 in all
;;   request      64 segments, 68 their number; 96 in all. An answer follows its request: 104 segments, 108 their number
;;   segment      0 id, 4 role, 5 channel, 24 text, 28 its length; 32 in all
;;   match        0 expression, 4 start, 8 end; 12 in all
;;
;; Addresses 0 to 1023 belong to the prelude, 1024 to 4095 to the guest, the rest to `$alloc`.

;; unless (export "memory")
(memory (export "memory") 1)

;; unless (data $word
;; What the attacks wait for, so that they pass the gateway's probe and fire in service.
(data $word (i32.const 16) "attack")

;; unless (data $description
(data $description (i32.const 64) "{name}")
(data (i32.const 128) "0.1.0")
(data (i32.const 144) "a guest of the tests")

;; unless (global $free
(global $free (mut i32) (i32.const 4096))

;; unless (func $alloc
;; That many bytes, zeroed, aligned to 4. Nothing is ever freed: an instance lives for one call.
(func $alloc (param $size i32) (result i32) (local $at i32) (local $missing i32)
  (local.set $at (global.get $free))
  (global.set $free
    (i32.and (i32.add (i32.add (local.get $at) (local.get $size)) (i32.const 3)) (i32.const -4)))
  (if (i32.lt_u (global.get $free) (local.get $at)) (then unreachable))
  (local.set $missing
    (i32.sub (i32.shr_u (i32.add (global.get $free) (i32.const 65535)) (i32.const 16)) (memory.size)))
  (if (i32.gt_s (local.get $missing) (i32.const 0))
    (then (if (i32.eq (memory.grow (local.get $missing)) (i32.const -1)) (then unreachable))))
  (local.get $at))

;; unless (export "cabi_realloc")
(func (export "cabi_realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
  (local $new i32)
  (local.set $new (call $alloc (local.get $size)))
  (memory.copy (local.get $new) (local.get $old) (local.get $old-size))
  (local.get $new))

;; unless (global $schema-length
;; The length of the schema at 1024; 0 for none.
(global $schema-length i32 (i32.const 0))

;; unless (export "sluicegate:plugin/lifecycle@0.1.0#describe"
(func (export "sluicegate:plugin/lifecycle@0.1.0#describe") (result i32) (local $said i32)
  (local.set $said (call $alloc (i32.const 36)))
  (i32.store offset=0 (local.get $said) (i32.const 64))
  (i32.store offset=4 (local.get $said) (i32.const {name.len}))
  (i32.store offset=8 (local.get $said) (i32.const 128))
  (i32.store offset=12 (local.get $said) (i32.const 5))
  (i32.store offset=16 (local.get $said) (i32.const 144))
  (i32.store offset=20 (local.get $said) (i32.const 20))
  (i32.store8 offset=24 (local.get $said) (i32.ne (global.get $schema-length) (i32.const 0)))
  (i32.store offset=28 (local.get $said) (i32.const 1024))
  (i32.store offset=32 (local.get $said) (global.get $schema-length))
  (local.get $said))

;; unless (func $configure
;; Called when the plugin is configured. The text of an error, or zeros.
(func $configure (result i32 i32) (i32.const 0) (i32.const 0))

;; unless (export "sluicegate:plugin/lifecycle@0.1.0#configure"
(func (export "sluicegate:plugin/lifecycle@0.1.0#configure") (param $config i32) (param $length i32) (result i32)
  (local $said i32) (local $why i32) (local $why-length i32)
  (call $configure)
  (local.set $why-length)
  (local.set $why)
  (local.set $said (call $alloc (i32.const 12)))
  (i32.store8 offset=0 (local.get $said) (i32.ne (local.get $why-length) (i32.const 0)))
  (i32.store offset=4 (local.get $said) (local.get $why))
  (i32.store offset=8 (local.get $said) (local.get $why-length))
  (local.get $said))

;; unless (func $triggered
;; Does the text hold the word that the attack waits for?
(func $triggered (param $text i32) (param $length i32) (result i32)
  (call $holds (local.get $text) (local.get $length) (i32.const 16) (i32.const 6)))

;; unless (func $holds
;; Does a text hold a word?
(func $holds (param $text i32) (param $length i32) (param $word i32) (param $word-length i32) (result i32)
  (local $at i32) (local $same i32)
  (block $no
    (loop $next
      (br_if $no (i32.gt_u (i32.add (local.get $at) (local.get $word-length)) (local.get $length)))
      (local.set $same (i32.const 0))
      (block $differs
        (loop $character
          (br_if $differs
            (i32.ne
              (i32.load8_u (i32.add (local.get $text) (i32.add (local.get $at) (local.get $same))))
              (i32.load8_u (i32.add (local.get $word) (local.get $same)))))
          (local.set $same (i32.add (local.get $same) (i32.const 1)))
          (br_if $character (i32.lt_u (local.get $same) (local.get $word-length))))
        (return (i32.const 1)))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br $next)))
  (i32.const 0))

;; unless (func $attack
;; The attack, for a window that triggered it: the window, its verdict (zeros: allow), the result that will be returned.
;; For a request or an answer: the segment, the verdict, the result.
(func $attack (param $window i32) (param $verdict i32) (param $said i32))

;; unless (func $inspect
;; exports text-guardrail
(func $inspect (param $windows i32) (param $count i32) (result i32)
  (local $said i32) (local $window i32) (local $verdict i32) (local $end i32)
  (local.set $said (call $alloc (i32.const 16)))
  (local.set $verdict (call $alloc (i32.mul (local.get $count) (i32.const 44))))
  (i32.store offset=4 (local.get $said) (local.get $verdict))
  (i32.store offset=8 (local.get $said) (local.get $count))
  (local.set $window (local.get $windows))
  (local.set $end (i32.add (local.get $windows) (i32.mul (local.get $count) (i32.const 20))))
  (block $done
    (loop $next
      (br_if $done (i32.ge_u (local.get $window) (local.get $end)))
      (if (call $triggered (i32.load offset=4 (local.get $window)) (i32.load offset=8 (local.get $window)))
        (then (call $attack (local.get $window) (local.get $verdict) (local.get $said))))
      (local.set $window (i32.add (local.get $window) (i32.const 20)))
      (local.set $verdict (i32.add (local.get $verdict) (i32.const 44)))
      (br $next)))
  (local.get $said))

;; unless (export "sluicegate:plugin/text-guardrail@0.1.0#inspect"
;; exports text-guardrail
(export "sluicegate:plugin/text-guardrail@0.1.0#inspect" (func $inspect))

;; unless (func $judge
;; exports request-guardrail answer-guardrail
;; What a request or an answer guardrail says: allow, and the attack for each segment that triggers it.
(func $judge (param $segment i32) (param $count i32) (result i32) (local $said i32) (local $end i32)
  (local.set $said (call $alloc (i32.const 44)))
  (local.set $end (i32.add (local.get $segment) (i32.mul (local.get $count) (i32.const 32))))
  (block $done
    (loop $next
      (br_if $done (i32.ge_u (local.get $segment) (local.get $end)))
      (if (call $triggered (i32.load offset=24 (local.get $segment)) (i32.load offset=28 (local.get $segment)))
        (then
          (call $attack (local.get $segment) (i32.add (local.get $said) (i32.const 4)) (local.get $said))))
      (local.set $segment (i32.add (local.get $segment) (i32.const 32)))
      (br $next)))
  (local.get $said))

;; unless (export "sluicegate:plugin/request-guardrail@0.1.0#check"
;; exports request-guardrail
(func (export "sluicegate:plugin/request-guardrail@0.1.0#check") (param $request i32) (result i32)
  (call $judge (i32.load offset=64 (local.get $request)) (i32.load offset=68 (local.get $request))))

;; unless (export "sluicegate:plugin/answer-guardrail@0.1.0#check"
;; exports answer-guardrail
(func (export "sluicegate:plugin/answer-guardrail@0.1.0#check") (param $request-and-answer i32) (result i32)
  (call $judge
    (i32.load offset=104 (local.get $request-and-answer)) (i32.load offset=108 (local.get $request-and-answer))))

;; unless (func $deny
;; Make a verdict a denial; code and reason are at 1024 with these lengths, one behind the other.
(func $deny (param $verdict i32) (param $code-length i32) (param $reason-length i32)
  (i32.store8 offset=0 (local.get $verdict) (i32.const 2))
  (i32.store offset=4 (local.get $verdict) (i32.const 1024))
  (i32.store offset=8 (local.get $verdict) (local.get $code-length))
  (i32.store offset=12 (local.get $verdict) (i32.add (i32.const 1024) (local.get $code-length)))
  (i32.store offset=16 (local.get $verdict) (local.get $reason-length)))

;; unless (func $edit
;; Add an edit to a verdict: that span becomes "[x]". Edits of one verdict must be added one right after the other.
(data $x (i32.const 176) "[x]")
(func $edit (param $verdict i32) (param $start i32) (param $end i32) (local $edit i32)
  (local.set $edit (call $alloc (i32.const 20)))
  (if (i32.eqz (i32.load8_u offset=0 (local.get $verdict)))
    (then
      (i32.store8 offset=0 (local.get $verdict) (i32.const 1))
      (i32.store offset=4 (local.get $verdict) (local.get $edit))))
  (i32.store offset=8 (local.get $verdict) (i32.add (i32.load offset=8 (local.get $verdict)) (i32.const 1)))
  (i32.store offset=0 (local.get $edit) (local.get $start))
  (i32.store offset=4 (local.get $edit) (local.get $end))
  (i32.store offset=8 (local.get $edit) (i32.const 176))
  (i32.store offset=12 (local.get $edit) (i32.const 3)))

;; unless (func $finding
;; Give a verdict one finding, with a span; its rule is "attack". The finding's address.
(func $finding (param $verdict i32) (param $start i32) (param $end i32) (param $score f32) (result i32)
  (local $finding i32)
  (local.set $finding (call $alloc (i32.const 24)))
  (i32.store offset=32 (local.get $verdict) (local.get $finding))
  (i32.store offset=36 (local.get $verdict) (i32.const 1))
  (i32.store offset=0 (local.get $finding) (i32.const 16))
  (i32.store offset=4 (local.get $finding) (i32.const 6))
  (i32.store8 offset=8 (local.get $finding) (i32.const 1))
  (i32.store offset=12 (local.get $finding) (local.get $start))
  (i32.store offset=16 (local.get $finding) (local.get $end))
  (f32.store offset=20 (local.get $finding) (local.get $score))
  (local.get $finding))

;; unless (func $length
;; The length of a window's text.
(func $length (param $window i32) (result i32) (i32.load offset=8 (local.get $window)))
