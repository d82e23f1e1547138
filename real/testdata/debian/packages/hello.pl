print "hello, $_\n" for reverse 1..3;
