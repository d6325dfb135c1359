//go:build !wasip1

package kv

import (
	"strconv"
	"sync"
	"time"

	"github.com/sluicegate/sluicegate/sdk/go/clock"
)

type item struct {
	value []byte
	// until is zero for what does not expire.
	until time.Time
}

var (
	mutex sync.Mutex
	kept  = map[string]item{}
)

// Clear forgets everything. For tests.
func Clear() {
	mutex.Lock()
	defer mutex.Unlock()
	clear(kept)
}

func find(key string) (item, bool) {
	found, there := kept[key]
	return found, there && (found.until.IsZero() || clock.Now().Before(found.until))
}

func until(ttl *time.Duration) time.Time {
	if ttl == nil {
		return time.Time{}
	}
	return clock.Now().Add(*ttl)
}

func hostGet(key string) (*[]byte, error) {
	mutex.Lock()
	defer mutex.Unlock()
	if len(key) > 512 {
		return nil, &Error{Case: ErrorTooLarge}
	}
	found, there := find(key)
	if !there {
		return nil, nil
	}
	return &found.value, nil
}

func hostSet(key string, value []byte, ttl *time.Duration) error {
	mutex.Lock()
	defer mutex.Unlock()
	if len(key) > 512 {
		return &Error{Case: ErrorTooLarge}
	}
	kept[key] = item{append([]byte(nil), value...), until(ttl)}
	return nil
}

func hostDelete(key string) error {
	mutex.Lock()
	defer mutex.Unlock()
	delete(kept, key)
	return nil
}

func hostIncrement(key string, by int64, ttl *time.Duration) (int64, error) {
	mutex.Lock()
	defer mutex.Unlock()
	found, there := find(key)
	if !there {
		found = item{[]byte("0"), until(ttl)}
	}
	number, err := strconv.ParseInt(string(found.value), 10, 64)
	if err != nil {
		return 0, &Error{Case: ErrorUnavailable, Message: "what is kept under this key is no number"}
	}
	found.value = strconv.AppendInt(nil, number+by, 10)
	kept[key] = found
	return number + by, nil
}
