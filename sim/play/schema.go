package play

import _ "embed"

// Schema is the JSON Schema of an event, as --json prints it.
//
//go:embed schema.json
var Schema string
