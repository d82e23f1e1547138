package sim

import (
	"context"
	"io"
	"time"

	"twinlayer/fs"
)

// Lacking refuses what an engine that embeds it does not do itself.
type Lacking struct{}

var errLacking = Refuse("this engine cannot do that")

func (Lacking) Push(context.Context, string) (Pushed, error)           { return Pushed{}, errLacking }
func (Lacking) Layers(context.Context, string) ([]*fs.Tree, error)     { return nil, errLacking }
func (Lacking) Commit(context.Context, Commit) (Image, error)          { return Image{}, errLacking }
func (Lacking) Import(context.Context, Import) (Image, error)          { return Image{}, errLacking }
func (Lacking) Load(context.Context, io.Reader) ([]string, error)      { return nil, errLacking }
func (Lacking) Save(context.Context, []string, io.Writer) error        { return errLacking }
func (Lacking) Stop(context.Context, string, time.Duration) error      { return errLacking }
func (Lacking) Kill(context.Context, string, string) error             { return errLacking }
func (Lacking) Wait(context.Context, string) (int, error)              { return 0, errLacking }
func (Lacking) Logs(context.Context, string) (Output, error)           { return Output{}, errLacking }
func (Lacking) Top(context.Context, string) ([][]string, error)        { return nil, errLacking }
func (Lacking) CopyIn(context.Context, string, string, *fs.Tree) error { return errLacking }
func (Lacking) Volumes(context.Context) ([]Volume, error)              { return nil, nil }
func (Lacking) CreateVolume(context.Context, Volume) error             { return errLacking }
func (Lacking) RemoveVolume(context.Context, string) error             { return errLacking }
func (Lacking) Evidence(context.Context, string) ([]Evidence, error)   { return nil, nil }
func (Lacking) CopyOut(context.Context, string, string) (*fs.Tree, error) {
	return nil, errLacking
}
