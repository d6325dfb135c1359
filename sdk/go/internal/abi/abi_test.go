package abi

import (
	"bytes"
	"math"
	"testing"
	"time"
)

func TestMemoryIsAlignedAndDoesNotOverlap(t *testing.T) {
	Reset()
	var last uint32
	for _, align := range []uint32{1, 8, 2, 4, 8, 1, 8} {
		at := Alloc(3, align)
		if at%align != 0 || at < last+3 && last != 0 {
			t.Errorf("%d behind %d with alignment %d", at, last, align)
		}
		last = at
	}
	if at := Alloc(0, 8); at == 0 || at%8 != 0 {
		t.Errorf("nothing lies at %d", at)
	}
	for _, size := range []uint32{3 * blockBytesMin, 3 * blockBytesMax, blockBytesMin} {
		at := Alloc(size, 8)
		Bytes(at, size)[size-1] = 1
		if at%8 != 0 {
			t.Errorf("%d bytes lie at %d", size, at)
		}
	}
}

func TestReallocKeepsWhatIsThere(t *testing.T) {
	at := Realloc(0, 0, 1, 3)
	copy(Bytes(at, 3), "abc")
	more := Realloc(at, 3, 1, 100)
	if !bytes.Equal(Bytes(more, 3), []byte("abc")) || more == at {
		t.Error("it is lost")
	}
	if Realloc(more, 100, 1, 50) != more {
		t.Error("shrinking moves")
	}
}

func TestTextsAreUTF8(t *testing.T) {
	for text, want := range map[string]string{"": "", "é🦉": "é🦉", "a\xf0\x9f": "a\uFFFD"} {
		if at, size := PinString(text); String(at, size) != want {
			t.Errorf("%q: %q", text, String(at, size))
		}
	}
}

func TestNumbersOutOfBoundsBecomeTheNearest(t *testing.T) {
	for n, want := range map[int]uint32{-1: 0, 5: 5, math.MaxUint32 + 1: math.MaxUint32} {
		if got := U32(n); got != want {
			t.Errorf("%d: %d", n, got)
		}
	}
	for ms, want := range map[uint64]time.Duration{0: 0, 1500: 1500 * time.Millisecond, math.MaxUint64: math.MaxInt64} {
		if got := Duration(ms); got != want {
			t.Errorf("%d: %v", ms, got)
		}
		if got := Milliseconds(want); got != ms {
			t.Errorf("%v: %d", want, got)
		}
	}
	if Milliseconds(-time.Second) != 0 {
		t.Error("a time below zero")
	}
}
