// Package abi reads and writes values in memory as the canonical ABI of components lays them out.
//
// Natively, in tests, the memory is an array of its own, so that the same code runs there.
package abi

import (
	"math"
	"strings"
	"time"
	"unicode/utf8"
	"unsafe"
)

// The size of the first block of memory, which a short text fits into, and of the largest. Each block is twice as large as
// the one before: every page that a call writes to is copied from the snapshot first.
const (
	blockBytesMin = 2 << 10
	blockBytesMax = 64 << 10
)

var (
	// blocks hold what the host has written for a call and what it will read. The host knows only numbers: these
	// references keep the garbage collector away until the host has read the result.
	blocks [][]byte
	// free is what is left of the last block.
	free []byte
	// pinned are texts of the author that the host reads where they are.
	pinned []*byte
)

// Alloc gives memory that stays until Reset. It is filled with zeros.
func Alloc(size, align uint32) uint32 {
	if size == 0 {
		return align
	}
	skip := uint32(0)
	if len(free) > 0 {
		skip = -address(&free[0]) & (align - 1)
	}
	if uint64(skip)+uint64(size) > uint64(len(free)) {
		free = newBlock(max(size, min(uint32(blockBytesMin)<<min(len(blocks), 8), blockBytesMax)))
		blocks = append(blocks, free)
		skip = 0
	}
	at := address(&free[skip])
	free = free[skip+size:]
	return at
}

// Realloc is what the host makes room with: for arguments, and for results of its functions.
func Realloc(old, oldSize, align, size uint32) uint32 {
	if old != 0 && size <= oldSize {
		return old
	}
	at := Alloc(size, align)
	if oldSize > 0 {
		copy(Bytes(at, size), Bytes(old, oldSize))
	}
	return at
}

// Reset lets go of all memory of a call. Texts that were read from it stay valid as long as they are referred to.
func Reset() {
	blocks, free, pinned = nil, nil, nil
}

// Bytes gives the memory itself.
func Bytes(at, size uint32) []byte {
	if size == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(pointer(at)), size)
}

// PinBytes gives the place of bytes, which stay there until Reset.
func PinBytes(bytes []byte) (at, size uint32) {
	if len(bytes) == 0 {
		return 1, 0
	}
	return pin(&bytes[0], len(bytes)), uint32(len(bytes))
}

// PinString gives the place of a text, which stays there until Reset. What is not UTF-8 in it is replaced: the host would
// take it for a failure.
func PinString(text string) (at, size uint32) {
	if !utf8.ValidString(text) {
		text = strings.ToValidUTF8(text, "\uFFFD")
	}
	if text == "" {
		return 1, 0
	}
	return pin(unsafe.StringData(text), len(text)), uint32(len(text))
}

// PinOption gives an optional text as three numbers.
func PinOption(text *string) (some, at, size uint32) {
	if text == nil {
		return 0, 0, 0
	}
	at, size = PinString(*text)
	return 1, at, size
}

// String reads a text. It shares the memory, which is never written again.
func String(at, size uint32) string {
	if size == 0 {
		return ""
	}
	return unsafe.String((*byte)(pointer(at)), size)
}

// List reads a list of which the place and the length are known.
func List[T any](at, count, stride uint32, load func(uint32) T) []T {
	list := make([]T, count)
	for i := range list {
		list[i] = load(at + uint32(i)*stride)
	}
	return list
}

// LowerList writes a list, and gives its place and its length.
func LowerList[T any](list []T, stride, align uint32, store func(uint32, T)) (at, count uint32) {
	at = Alloc(uint32(len(list))*stride, align)
	for i, value := range list {
		store(at+uint32(i)*stride, value)
	}
	return at, uint32(len(list))
}

// LoadList reads a list where its place and length stand.
func LoadList[T any](at, stride uint32, load func(uint32) T) []T {
	return List(LoadRaw(at), LoadRaw(at+4), stride, load)
}

// StoreList writes a list, and its place and length.
func StoreList[T any](at uint32, list []T, stride, align uint32, store func(uint32, T)) {
	place, count := LowerList(list, stride, align, store)
	StoreRaw(at, place)
	StoreRaw(at+4, count)
}

// LoadOption reads what may be absent; the value stands at an offset behind the byte that says so.
func LoadOption[T any](at, offset uint32, load func(uint32) T) *T {
	if *(*byte)(pointer(at)) == 0 {
		return nil
	}
	value := load(at + offset)
	return &value
}

// StoreOption writes what may be absent.
func StoreOption[T any](at uint32, value *T, offset uint32, store func(uint32, T)) {
	if value == nil {
		StoreByte(at, 0)
		return
	}
	StoreByte(at, 1)
	store(at+offset, *value)
}

// LoadString reads a text where its place and length stand.
func LoadString(at uint32) string {
	return String(LoadRaw(at), LoadRaw(at+4))
}

// StoreString writes the place and the length of a text.
func StoreString(at uint32, text string) {
	place, size := PinString(text)
	StoreRaw(at, place)
	StoreRaw(at+4, size)
}

// LoadBytes reads a list of bytes; it shares the memory.
func LoadBytes(at uint32) []byte {
	return Bytes(LoadRaw(at), LoadRaw(at+4))
}

// StoreBytes writes the place and the length of bytes.
func StoreBytes(at uint32, bytes []byte) {
	place, size := PinBytes(bytes)
	StoreRaw(at, place)
	StoreRaw(at+4, size)
}

// LoadBool reads a truth value.
func LoadBool(at uint32) bool { return *(*byte)(pointer(at)) != 0 }

// StoreBool writes a truth value.
func StoreBool(at uint32, value bool) {
	if value {
		StoreByte(at, 1)
	} else {
		StoreByte(at, 0)
	}
}

// LoadByte reads a byte.
func LoadByte(at uint32) byte { return *(*byte)(pointer(at)) }

// StoreByte writes a byte.
func StoreByte(at uint32, value byte) { *(*byte)(pointer(at)) = value }

// LoadU16 reads a number of 16 bits.
func LoadU16(at uint32) int { return int(*(*uint16)(pointer(at))) }

// StoreU16 writes a number of 16 bits; what does not fit becomes the nearest that does.
func StoreU16(at uint32, value int) {
	*(*uint16)(pointer(at)) = uint16(min(max(value, 0), math.MaxUint16))
}

// LoadRaw reads 32 bits.
func LoadRaw(at uint32) uint32 { return *(*uint32)(pointer(at)) }

// StoreRaw writes 32 bits.
func StoreRaw(at, value uint32) { *(*uint32)(pointer(at)) = value }

// LoadU32 reads a number of 32 bits.
func LoadU32(at uint32) int { return int(LoadRaw(at)) }

// StoreU32 writes a number of 32 bits; what does not fit becomes the nearest that does.
func StoreU32(at uint32, value int) { StoreRaw(at, U32(value)) }

// U32 gives the nearest number of 32 bits.
func U32(value int) uint32 { return uint32(min(max(value, 0), math.MaxUint32)) }

// LoadU64 reads a number of 64 bits.
func LoadU64(at uint32) uint64 { return *(*uint64)(pointer(at)) }

// StoreU64 writes a number of 64 bits.
func StoreU64(at uint32, value uint64) { *(*uint64)(pointer(at)) = value }

// LoadS64 reads a signed number of 64 bits.
func LoadS64(at uint32) int64 { return *(*int64)(pointer(at)) }

// StoreS64 writes a signed number of 64 bits.
func StoreS64(at uint32, value int64) { *(*int64)(pointer(at)) = value }

// LoadF32 reads a floating-point number.
func LoadF32(at uint32) float32 { return *(*float32)(pointer(at)) }

// StoreF32 writes a floating-point number.
func StoreF32(at uint32, value float32) { *(*float32)(pointer(at)) = value }

// LoadF64 reads a floating-point number.
func LoadF64(at uint32) float64 { return *(*float64)(pointer(at)) }

// StoreF64 writes a floating-point number.
func StoreF64(at uint32, value float64) { *(*float64)(pointer(at)) = value }

// LoadMs64 reads milliseconds.
func LoadMs64(at uint32) time.Duration { return Duration(LoadU64(at)) }

// StoreMs64 writes milliseconds.
func StoreMs64(at uint32, value time.Duration) { StoreU64(at, Milliseconds(value)) }

// LoadMs32 reads milliseconds.
func LoadMs32(at uint32) time.Duration { return Duration(uint64(LoadRaw(at))) }

// StoreMs32 writes milliseconds.
func StoreMs32(at uint32, value time.Duration) {
	StoreRaw(at, uint32(min(Milliseconds(value), math.MaxUint32)))
}

// Duration gives milliseconds as a duration; the longest that there is, if they are more.
func Duration(ms uint64) time.Duration {
	if ms > uint64(math.MaxInt64/time.Millisecond) {
		return math.MaxInt64
	}
	return time.Duration(ms) * time.Millisecond
}

// Milliseconds gives a duration as milliseconds. The longest duration stands for no bound.
func Milliseconds(d time.Duration) uint64 {
	if d == math.MaxInt64 {
		return math.MaxUint64
	}
	return uint64(max(d.Milliseconds(), 0))
}
