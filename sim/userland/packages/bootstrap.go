package packages

import (
	"context"
	"fmt"

	"twinlayer/sim/userland"
)

// Bootstrap fills a root file system with the essential packages of a family,
// "debian" or "centos", as a distribution's image has them. p is root's.
func Bootstrap(ctx context.Context, p *userland.Process, family string) error {
	j := &job{Process: p, ctx: ctx, name: "bootstrap", family: family, unlogged: true}
	var list []*recipe
	for _, r := range j.repo().list {
		if r.essential() {
			list = append(list, r)
		}
	}
	do := j.bootstrapRPM
	if family == "debian" {
		do = j.bootstrapDpkg
	}
	if err := do(list); err != nil {
		return fmt.Errorf("bootstrap %s: %w", family, err)
	}
	return nil
}

// bootstrapDpkg makes a debian, which has its package lists already.
func (j *job) bootstrapDpkg(list []*recipe) error {
	d := &unpacker{job: j, db: j.database(dpkgStatus)}
	if err := d.unpackAll(list, func(r *recipe) string { return r.name() }); err != nil {
		return err
	}
	for _, name := range []string{"/var/lib/dpkg/lock", "/var/lib/dpkg/lock-frontend", aptLists + "lock", archives + "lock"} {
		if err := j.lock(name); err != nil {
			return err
		}
	}
	a := &apt{job: j}
	_, err := a.fetchLists(1)
	return err
}

func (j *job) bootstrapRPM(list []*recipe) error {
	y := &yumRun{job: j, db: j.database(rpmPackages)}
	for _, r := range list {
		if err := y.installOne(r); err != nil {
			return err
		}
	}
	return y.saveRPM()
}
