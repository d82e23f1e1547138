package sim

// EtcFiles are the files that an engine binds over a container's own, by
// absolute path, with what they hold. The container's only network interface
// is lo, so its hosts are local and it has no name server.
func EtcFiles(hostname string) map[string]string {
	return map[string]string{
		"/etc/hostname": hostname + "\n",
		"/etc/hosts": "127.0.0.1\tlocalhost\n" +
			"::1\tlocalhost ip6-localhost ip6-loopback\n" +
			"fe00::\tip6-localnet\n" +
			"ff00::\tip6-mcastprefix\n" +
			"ff02::1\tip6-allnodes\n" +
			"ff02::2\tip6-allrouters\n" +
			"127.0.1.1\t" + hostname + "\n",
		"/etc/resolv.conf": "# this container's network is lo alone: there is no name server\n",
	}
}
