//go:build linux

package course

import (
	"os"
	"testing"

	"twinlayer/real/suite"
)

func TestMain(m *testing.M) { os.Exit(suite.Main(m)) }
