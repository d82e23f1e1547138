package embedded

import (
	"twinlayer/real/embedded/helper"
)

// What an engine is started with, for whom, and why it cannot be.
type (
	Config      = helper.Config
	User        = helper.User
	Unavailable = helper.Unavailable
)
