package cli

import (
	"github.com/spf13/pflag"

	"twinlayer/sim"
)

// inverse is a flag whose value is kept the other way round, so that the zero
// value is the default.
type inverse struct{ to *bool }

func (i inverse) String() string {
	if i.to != nil && *i.to {
		return "false"
	}
	return "true"
}

func (i inverse) Set(text string) error {
	switch text {
	case "true", "1", "t", "T", "TRUE", "True":
		*i.to = false
	case "false", "0", "f", "F", "FALSE", "False":
		*i.to = true
	default:
		return sim.Refuse("strconv.ParseBool: parsing %q: invalid syntax", text)
	}
	return nil
}

func (inverse) Type() string { return "bool" }

// reference is a list of image references, checked as they are given.
type references struct{ to *[]string }

func (references) String() string { return "" }

func (r references) Set(text string) error {
	if _, err := sim.Familiar(text); err != nil {
		return err
	}
	*r.to = append(*r.to, text)
	return nil
}

func (references) Type() string { return "list" }

func buildFlags(f *pflag.FlagSet, o *sim.Options) {
	f.StringArrayVar(&o.BuildArgs, "build-arg", nil, "Set build-time variables")
	f.StringVarP(&o.File, "file", "f", "", "Name of the Dockerfile (Default is 'PATH/Dockerfile')")
	f.BoolVar(&o.ForceRemove, "force-rm", false, "Always remove intermediate containers")
	f.StringArrayVar(&o.Labels, "label", nil, "Set metadata for an image")
	f.StringVar(&o.BuildNetwork, "network", "default", "Set the networking mode for the RUN instructions during build")
	f.BoolVar(&o.NoCache, "no-cache", false, "Do not use cache when building the image")
	f.String("progress", "auto", "Accepted and ignored: the output is always plain")
	f.BoolVar(&o.Pull, "pull", false, "Always attempt to pull a newer version of the image")
	f.BoolVarP(&o.Quiet, "quiet", "q", false, "Suppress the build output and print image ID on success")
	f.Var(inverse{&o.Keep}, "rm", "Remove intermediate containers after a successful build")
	f.Lookup("rm").NoOptDefVal = "true"
	f.VarP(references{&o.Tags}, "tag", "t", "Name and optionally a tag in the 'name:tag' format")
	f.StringVar(&o.Target, "target", "", "Set the target build stage to build.")
	timestampFlag(f, o)
}

func timestampFlag(f *pflag.FlagSet, o *sim.Options) {
	f.StringVar(&o.Timestamp, "timestamp", "", "Seconds since 1970 to set as the time of all that is made (default $SOURCE_DATE_EPOCH)")
}

func commitFlags(f *pflag.FlagSet, o *sim.Options) {
	f.StringVarP(&o.Author, "author", "a", "", `Author (e.g., "John Hannibal Smith <hannibal@a-team.com>")`)
	f.StringArrayVarP(&o.Changes, "change", "c", nil, "Apply Dockerfile instruction to the created image")
	f.StringVarP(&o.Message, "message", "m", "", "Commit message")
	f.VarP(inverse{&o.NoPause}, "pause", "p", "Pause container during commit")
	f.Lookup("pause").NoOptDefVal = "true"
	timestampFlag(f, o)
}
