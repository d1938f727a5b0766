#: case shell and exec forms
FROM busybox
RUN echo shell > /shell
RUN ["/bin/sh", "-c", "echo exec > /exec"]
RUN ["touch", "/found in path"]
#: case environment of a step
FROM busybox
ARG A=arg
ENV E=env
WORKDIR /w
USER daemon
RUN env | sort > /tmp/env; pwd > /tmp/pwd; id > /tmp/id; umask > /tmp/umask
#: case hostname and hosts
FROM busybox
RUN id > /id; hostname > /name; cat /etc/hosts | grep -c localhost > /hosts || true
#: case changes to files
FROM busybox
RUN echo 1 > /one && chmod 640 /one && chown 8:9 /one
RUN echo 2 >> /one
RUN rm /one
RUN mkdir -p /d/e/f && chmod 1777 /d && chown 1:1 /d/e && touch /d/e/f/g
RUN rm -r /d/e && ln -s elsewhere /d/e
RUN rm -r /d && echo file > /d
#: case only metadata of a file
FROM busybox
RUN chmod 700 /etc/passwd
RUN chown daemon /etc/group
RUN touch -d '2020-01-01 00:00:00' /etc/shadow
#: case folder replaced by a new one
FROM busybox
RUN mkdir /d && touch /d/a /d/b
RUN rm -r /d && mkdir /d && touch /d/c
#: case base folder replaced
FROM busybox
RUN rm -r /var && mkdir /var && touch /var/new
#: case hard links, renames
#: except field bin/busybox:inode
# a new name for a file of the base: Docker writes that name only, and the two are no longer one file
FROM busybox
RUN echo x > /a && ln /a /b && ln /a /c
RUN mv /a /d
RUN rm /b && mkdir /dir && echo y > /dir/y
RUN mv /dir /moved
RUN ln /bin/busybox /bin/another
#: case special files
FROM busybox
RUN mkfifo /pipe && mknod /zero c 1 5 && mknod /blk b 7 200
#: case sockets are left out
FROM busybox
RUN (timeout 1 nc -l -s 127.0.0.1 -p 0 -e true || true); ln -s /nowhere /dangling
#: case sparse and large
FROM busybox
RUN dd if=/dev/zero of=/sparse bs=1 count=0 seek=3000000 2>/dev/null; dd if=/dev/urandom of=/dev/null bs=1k count=1 2>/dev/null; yes | head -c 2000000 > /large
#: case odd names
FROM busybox
RUN mkdir '/sp ace' && touch "$(printf '/sp ace/new\nline')" '/sp ace/quote"' "/sp ace/tab	x" && touch "$(printf '/sp ace/\377\376')"
#: case whiteout names are refused or kept
FROM busybox
RUN mkdir /w && touch /w/.whatever /w/wh.x
#: case nothing changes
FROM busybox
RUN true
RUN ls / > /dev/null
#: case what is written to mounts stays out
FROM busybox
RUN echo x > /dev/shm/x; echo y > /tmp/y; touch /dev/z || true
#: case hosts and resolv.conf stay as the base has them
FROM busybox
RUN cat /etc/hosts /etc/resolv.conf > /dev/null
#: case mount points that scratch lacks
FROM scratch
COPY --from=busybox /bin/busybox /bin/sh
RUN ["/bin/sh", "-c", "echo 1 > /one"]
#: case failing step
FROM busybox
RUN exit 3
#: case failing step with quotes
FROM busybox
RUN echo "a 'b'" && false
#: case program that is missing
FROM busybox
RUN ["/nope", "x"]
#: own words
#: case program that may not be run
FROM busybox
RUN echo '#!/bin/sh' > /p
RUN ["/p"]
#: own words
#: case program killed
FROM busybox
RUN kill -9 $$
#: case no network
#: offline
FROM busybox
RUN ls /sys/class/net > /net
#: case network flag
FROM busybox
RUN --network=none ls /sys/class/net > /net
#: case capabilities and limits
FROM busybox
RUN grep Cap /proc/self/status > /caps; grep NoNewPrivs /proc/self/status > /nnp; grep Seccomp: /proc/self/status > /seccomp
#: case mounts of a step
FROM busybox
RUN cut -d' ' -f2,3 /proc/mounts | grep -E '^/(proc|dev|dev/pts|dev/shm|dev/mqueue|sys|etc/hosts|etc/resolv.conf) ' | sort > /mounts
#: case devices of a step
FROM busybox
RUN ls /dev | grep -v core | sort > /devices
#: case masked and read-only paths
FROM busybox
RUN (echo x > /proc/sys/kernel/hostname) 2>&1 | sed 's/.*: //' > /ro; ls /proc/scsi /sys/firmware > /masked 2>&1 || true
#: case working directory is made for run
FROM busybox
WORKDIR /made
RUN rmdir /made && mkdir /made && chmod 700 /made
RUN pwd > /pwd
#: case line continuation and comments
FROM busybox
RUN echo one \
# a comment
  two \

  three > /out
#: case carriage returns
FROM busybox
RUN echo cr > /out
#: case many lines of output
FROM busybox
RUN seq 1 5000
#: case a stage from a stage
FROM busybox AS one
RUN echo 1 > /1
FROM one AS two
RUN echo 2 > /2
FROM two
RUN cat /1 /2 > /3
#: case diamond
FROM busybox AS base
RUN echo b > /b
FROM base AS left
RUN echo l > /l
FROM base AS right
RUN echo r > /r
FROM scratch
COPY --from=left /l /
COPY --from=right /r /
COPY --from=base /b /
#: case nested here-documents
FROM busybox
RUN <<EOF
echo one > /one
cat <<INNER > /inner
text $HOME
INNER
EOF
#: case here-document with another interpreter
FROM busybox
RUN <<EOF
#!/bin/sh
echo "script $0" > /out
EOF
#: case here-document with a name and a shell
FROM busybox
RUN cat <<FIRST <<SECOND > /out
one
FIRST
two
SECOND
RUN sh -s a b <<EOF
echo $1 $2 > /args
EOF
#: case here-document without expansion, with tabs
FROM busybox
ENV V=value
RUN <<'EOF'
echo $V > /quoted
EOF
RUN <<-EOF
	echo tabs > /tabs
	EOF
RUN cat > /text <<EOF
  keep $V
EOF
#: case here-documents in copy and add
FROM busybox
ENV V=value
COPY <<EOF /one
text $V \$V
EOF
COPY <<'EOF' /two
text $V
EOF
COPY --chmod=755 --chown=1:2 <<run.sh <<-other.sh /dir/
#!/bin/sh
run.sh
	tabbed
other.sh
ADD <<EOF /added
added
EOF
#: case here-document that fails
FROM busybox
RUN <<EOF
set -e
false
EOF
#: case here-document that never ends
FROM busybox
RUN <<EOF
echo
#: case here-document in an onbuild trigger
FROM busybox
ONBUILD RUN <<EOF
echo x
EOF
