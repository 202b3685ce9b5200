// A candidate that elects with client-go and reports what it believes, one JSON object per line.
//
// The same source is built against a current client-go (go.mod here) and against v0.23, the last with all of
// the older locks (../candidate023/go.mod).
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

type options struct {
	kubeconfig, namespace, name, lock, identity string
	leaseDuration, renewDeadline, retryPeriod   time.Duration
	releaseOnCancel                             bool
}

func parseFlags() options {
	var o options
	flag.StringVar(&o.kubeconfig, "kubeconfig", "", "path of the kubeconfig")
	flag.StringVar(&o.namespace, "namespace", "default", "namespace of the lock")
	flag.StringVar(&o.name, "name", "", "name of the lock")
	flag.StringVar(&o.lock, "lock", "leases", "kind of lock")
	flag.StringVar(&o.identity, "identity", "", "name of this candidate")
	flag.DurationVar(&o.leaseDuration, "lease-duration", 15*time.Second, "")
	flag.DurationVar(&o.renewDeadline, "renew-deadline", 10*time.Second, "")
	flag.DurationVar(&o.retryPeriod, "retry-period", 2*time.Second, "")
	flag.BoolVar(&o.releaseOnCancel, "release-on-cancel", false, "empty the holder at SIGTERM")
	flag.Parse()
	return o
}

// event is what the tests read; boottime is in seconds of CLOCK_BOOTTIME.
type event struct {
	Event    string  `json:"event"`
	Identity string  `json:"identity"`
	Leader   string  `json:"leader"`
	Boottime float64 `json:"boottime"`
}

// reporter keeps lines whole: client-go runs its callbacks in goroutines of their own.
type reporter struct {
	sync.Mutex
	identity string
}

func (r *reporter) report(name, leader string) {
	r.Lock()
	defer r.Unlock()
	line, err := json.Marshal(event{name, r.identity, leader, boottime()})
	if err != nil {
		panic(err)
	}
	fmt.Println(string(line))
}

func boottime() float64 {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &now); err != nil {
		panic(err)
	}
	return float64(now.Nano()) / float64(time.Second)
}

func newElector(o options) (*leaderelection.LeaderElector, error) {
	config, err := clientcmd.BuildConfigFromFlags("", o.kubeconfig)
	if err != nil {
		return nil, err
	}
	lock, err := resourcelock.NewFromKubeconfig(o.lock, o.namespace, o.name,
		resourcelock.ResourceLockConfig{Identity: o.identity}, config, o.renewDeadline)
	if err != nil {
		return nil, err
	}
	out := &reporter{identity: o.identity}
	return leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock:            lock,
		LeaseDuration:   o.leaseDuration,
		RenewDeadline:   o.renewDeadline,
		RetryPeriod:     o.retryPeriod,
		ReleaseOnCancel: o.releaseOnCancel,
		Name:            o.name,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(context.Context) { out.report("started", o.identity) },
			// client-go calls this at every end, also of a candidate that never led.
			OnStoppedLeading: func() { out.report("stopped", "") },
			OnNewLeader:      func(leader string) { out.report("leader", leader) },
		},
	})
}

func main() {
	// SIGTERM ends the candidacy in good order (exit 0); a lost term ends the process as in most operators (exit 1).
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer cancel()
	elector, err := newElector(parseFlags())
	if err != nil {
		fmt.Fprintln(os.Stderr, "candidate:", err)
		os.Exit(2)
	}
	elector.Run(ctx)
	if ctx.Err() == nil {
		os.Exit(1)
	}
}
