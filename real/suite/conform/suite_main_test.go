//go:build linux

package conform

import (
	"os"
	"testing"

	"twinlayer/real/suite"
)

func TestMain(m *testing.M) { os.Exit(suite.Main(m)) }
