//go:build linux

package strangers

import (
	"os"
	"testing"

	"twinlayer/real/suite"
)

func TestMain(m *testing.M) { os.Exit(suite.Main(m)) }
