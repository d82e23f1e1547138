//go:build !unix

package model_test

import (
	"testing"
	"time"
)

var began = time.Now()

// processorTime is the time that has passed, where nothing tells more.
func processorTime(testing.TB) time.Duration { return time.Since(began) }
