package kv

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sluicegate/sluicegate/sdk/go/clock"
)

func TestNativelyItKeepsWhatTheHostWould(t *testing.T) {
	Clear()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	clock.Set(now)
	defer clock.Set(time.Time{})
	if _, there, err := Get("a"); there || err != nil {
		t.Error("there is something")
	}
	if err := Set("a", []byte("x"), time.Second); err != nil {
		t.Error(err)
	}
	if value, there, _ := Get("a"); !there || string(value) != "x" {
		t.Error("it is not kept")
	}
	var wrong *Error
	if _, err := Increment("a", 1, 0); !errors.As(err, &wrong) || wrong.Case != ErrorUnavailable {
		t.Error(err)
	}
	clock.Set(now.Add(time.Second))
	if _, there, _ := Get("a"); there {
		t.Error("it is kept too long")
	}
	Increment("a", 2, 0)
	if sum, err := Increment("a", 3, 0); sum != 5 || err != nil {
		t.Error(sum, err)
	}
	if err := Delete("a"); err != nil {
		t.Error(err)
	}
	if err := Set(strings.Repeat("k", 513), nil, 0); !errors.As(err, &wrong) || wrong.Case != ErrorTooLarge {
		t.Error(err)
	}
}
