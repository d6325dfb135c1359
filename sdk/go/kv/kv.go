// Package kv is a small store, kept apart by plugin and tenant, for plugins whose installation has `[grants.kv]`. There is
// nothing of it in Configure.
//
// Natively, in tests, it is kept in memory, without bounds; Clear empties it.
package kv

import "time"

// Get gives what is kept under a key of at most 512 bytes, and whether there is something.
func Get(key string) (value []byte, there bool, err error) {
	kept, err := hostGet(key)
	if err != nil || kept == nil {
		return nil, false, err
	}
	return *kept, true, nil
}

// Set keeps a value for so long; with 0, until it is deleted.
func Set(key string, value []byte, ttl time.Duration) error {
	return hostSet(key, value, optional(ttl))
}

// Delete forgets what is kept under a key.
func Delete(key string) error {
	return hostDelete(key)
}

// Increment adds to a number, which is 0 where there was none and then kept for so long, or with 0 until it is deleted; it gives
// the sum. Of many who add at the same time each counts.
func Increment(key string, by int64, ttl time.Duration) (int64, error) {
	return hostIncrement(key, by, optional(ttl))
}

func optional(ttl time.Duration) *time.Duration {
	if ttl == 0 {
		return nil
	}
	return &ttl
}

// Error says what went wrong.
func (e *Error) Error() string {
	switch e.Case {
	case ErrorTooLarge:
		return "the key or the value is too large"
	case ErrorQuotaExceeded:
		return "there is no room"
	}
	return e.Message
}
