//go:build linux

package program

import (
	"os"
	"testing"

	"twinlayer/real/suite"
)

func TestMain(m *testing.M) { os.Exit(suite.Main(m)) }
