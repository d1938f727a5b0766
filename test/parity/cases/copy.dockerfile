#: case file to file, folder, new folder
#: context tree
FROM busybox
COPY a.txt /file
COPY a.txt /tmp
COPY a.txt /new/
COPY a.txt /deep/er/file
COPY a.txt b.txt /several/
COPY ["a.txt", "space name/file here", "/json/"]
#: case several sources need a folder
#: context tree
FROM busybox
COPY a.txt b.txt /file
#: case folder contents
#: context tree
FROM busybox
COPY dir /d
COPY dir/ /e/
COPY dir/. /f
COPY dir /tmp
COPY empty /empty
COPY . /all/
#: case everything to the root
#: context tree
FROM busybox
COPY . /
#: case everything to the root of scratch
#: context tree
FROM scratch
COPY . /
#: case everything to the working directory
#: context tree
FROM busybox
WORKDIR /w
COPY . .
COPY a.txt ./
COPY a.txt ../up
COPY dir ./
#: case wildcards
#: context tree
FROM busybox
COPY *.txt /txt/
COPY ?.txt /one/
COPY d*/one /d/
COPY dir/* /flat/
COPY [ab].txt /class/
COPY */three /none/
COPY dir/*/three /deep/
COPY class[[]1].txt /literal/
COPY star\*.txt /star/
COPY .h* /hidden/
#: case wildcard without a match
#: context tree
FROM busybox
COPY nope* /x/
#: case wildcard without a match beside one with
#: context tree
FROM busybox
COPY nope* a.txt /x/
#: case double star
#: context tree
FROM busybox
COPY **/three /x/
#: case missing source
#: context tree
FROM busybox
COPY nope /x
#: case missing source in a folder
#: context tree
FROM busybox
COPY dir/nope/really /x
#: case parent directories are cut off
#: context tree
FROM busybox
COPY ../a.txt /x
COPY /dir/../b.txt /y
#: case chown by number, by name, by one of them
#: context tree
FROM busybox
COPY --chown=11:22 a.txt /numbers/a
COPY --chown=daemon:nogroup dir /names
COPY --chown=daemon a.txt /user
COPY --chown=33 a.txt /number
COPY --chown=77 a.txt /unknown-number
COPY --chown=:22 a.txt /group-only
#: case chown by a name that is missing
#: context tree
FROM busybox
COPY --chown=nobodyatall a.txt /x
#: case chown to a user with a group that is missing
#: context tree
FROM busybox
COPY --chown=daemon:nogroupatall a.txt /x
#: case chown by a group that is missing
#: context tree
FROM busybox
COPY --chown=root:nogroupatall a.txt /x
#: case chown root in scratch
#: context tree
FROM scratch
COPY --chown=root a.txt /x
#: case chown numbers in scratch
#: context tree
FROM scratch
COPY --chown=3:4 dir /x
#: case chown missing in scratch
#: own words
#: context tree
FROM scratch
COPY --chown=bin a.txt /x
#: case chown of a folder into one that exists
#: context tree
FROM busybox
RUN mkdir -p /there/sub && chmod 700 /there /there/sub && echo old > /there/sub/old
COPY --chown=5:6 dir /there
COPY --chown=5:6 a.txt /there/new/a
#: case chmod octal
#: context tree
FROM busybox
COPY --chmod=600 a.txt /600
COPY --chmod=4755 a.txt /4755
COPY --chmod=0 a.txt /zero
COPY --chmod=750 dir /tree
COPY --chmod=711 dir/ /tmp/
COPY --chmod=700 a.txt /made/by/the/way
#: case chmod symbolic
#: context tree
FROM busybox
COPY --chmod=u=rwX,go=rX modes /m1
COPY --chmod=a-w,u+x modes /m2
COPY --chmod=+x a.txt /m3
COPY --chmod=go-rwx dir /m4
COPY --chmod=g=u a.txt /m5
COPY --chmod=u+s,g+s,o+t a.txt /m6
#: case chmod wrong
#: context tree
FROM busybox
COPY --chmod=999 a.txt /x
#: case chmod too large
#: context tree
FROM busybox
COPY --chmod=10000 a.txt /x
#: case chmod by variable
#: context tree
FROM busybox
ARG M=640
COPY --chmod=$M a.txt /x
#: case chmod and chown and link
#: context tree
FROM busybox
COPY --link --chown=1:2 --chmod=640 a.txt /x/y/z
COPY --link dir /linked
#: case modes of the context
#: context tree
FROM busybox
COPY modes /modes
COPY modes/setuid /setuid
#: case odd names
#: context tree
FROM busybox
COPY uni /uni
COPY ["dollar\\$name", "/dollar"]
COPY ["space name", "/space name"]
#: case symlinks in the context
#: context links
FROM busybox
COPY real /real
COPY to-file /followed
COPY to-dir /dir-followed
COPY to-link /twice
COPY absolute /absolute
COPY . /all/
#: case symlink out of the context
#: context links
FROM busybox
COPY outside /x
#: case dangling symlink
#: context links
FROM busybox
COPY dangling /x
#: case looping symlink
#: own words
#: context links
FROM busybox
COPY loop /x
#: case through a symlinked folder
#: context links
FROM busybox
COPY to-dir/file /a
COPY to-dir/sub/inner /b
COPY to-dir/* /c/
#: case hard links stay together
#: context links
FROM busybox
COPY hard /hard
COPY . /all/
COPY hard/first hard/second /two/
COPY hard/* /three/
#: case pipes are copied
#: context special
FROM busybox
COPY . /all/
#: case destination through symlinks
#: context tree
FROM busybox
RUN mkdir /real && ln -s real /link && ln -s /real/sub /dangling && ln -s ../../../tmp /outward
COPY a.txt /link/a
COPY dir /link
COPY a.txt /dangling/a
COPY a.txt /outward/a
#: case destination is a symlink to a file
#: context tree
FROM busybox
RUN echo old > /file && ln -s file /link && ln -s nowhere /dangling
COPY a.txt /link
COPY b.txt /dangling
#: case folder onto a symlink to a folder
#: context tree
FROM busybox
RUN mkdir -p /real && ln -s real /link
COPY dir /link
COPY dir /link/
#: case symlink below the destination stands in the way
#: context tree
FROM busybox
RUN mkdir -p /d /elsewhere && ln -s /elsewhere /d/sub
COPY dir /d
#: case file onto a folder of the same name below
#: context tree
FROM busybox
RUN mkdir -p /d/one
COPY dir /d
#: case folder onto a file of the same name below
#: context tree
FROM busybox
RUN mkdir /d && echo > /d/sub
COPY dir /d
#: case folder onto a file
#: context tree
FROM busybox
RUN echo > /d
COPY dir /d
#: case file below a file
#: context tree
FROM busybox
RUN echo > /d
COPY a.txt /d/a
#: case file into a file with a slash
#: context tree
FROM busybox
RUN echo > /d
COPY a.txt /d/
#: case file over a file, symlink over a file, file over a symlink
#: context links
FROM busybox
RUN mkdir -p /d/sub && echo old > /d/file && ln -s file /d/top && echo old > /d/up
COPY real /d
COPY top /d/
#: case existing folders keep their mode
#: context tree
FROM busybox
RUN mkdir -p /keep/sub && chmod 2710 /keep && chmod 1700 /keep/sub && chown 9:9 /keep
COPY dir /keep
COPY dir/sub /keep/sub
COPY a.txt /keep/sub/
#: case the same file again and again
#: context tree
FROM busybox
COPY a.txt /x
COPY b.txt /x
COPY a.txt /x
#: case dot and dotdot destinations
#: context tree
FROM busybox
WORKDIR /a/b
COPY a.txt .
COPY b.txt ./
COPY a.txt ..
COPY a.txt /c/./d/../e
COPY dir /z/.
#: case add is as copy for plain files
#: context tree
FROM busybox
ADD a.txt /a
ADD dir /d
ADD --chown=1:2 --chmod=600 *.txt /t/
#: case one file in two layers is whited out by run
#: context tree
FROM busybox
COPY dir /d
RUN rm /d/one && rm -r /d/sub && mkdir /d/sub && echo new > /d/sub/new
COPY dir/sub /d/sub
#: case from a stage keeps owners, modes, links and devices
FROM busybox AS from
RUN mkdir -p /s/sub && echo x > /s/file && chown 3:4 /s/file && chmod 4711 /s/file && chown 5:6 /s/sub && chmod 1770 /s/sub \
 && ln -s file /s/link && ln /s/file /s/hard && mkfifo /s/pipe && mknod /s/null c 1 3 && ln -s /etc/passwd /s/abs
FROM busybox
COPY --from=from /s /all
COPY --from=from /s/file /s/sub /picked/
COPY --from=from /s/link /link-followed
COPY --from=from /s/abs /abs-followed
COPY --from=0 --chown=7:8 /s /owned
#: case from a stage by number and by name in another case
FROM busybox AS First
RUN echo 1 > /1
FROM busybox
COPY --from=0 /1 /by-number
COPY --from=FIRST /1 /by-name
#: case from an image
FROM scratch
COPY --from=busybox /etc/passwd /etc/group /etc/
COPY --from=busybox /bin/sh /bin/sh
#: case from a stage, missing
#: own words
FROM busybox AS one
FROM busybox
COPY --from=one /nope /x
#: case from a later stage
FROM busybox
COPY --from=1 /x /y
FROM busybox
#: case from itself
FROM busybox AS me
COPY --from=me /etc/passwd /x
#: case from a stage that is unknown
FROM busybox
COPY --from=7 /x /y
#: case from a stage with wildcards
FROM busybox AS from
RUN mkdir /d && touch /d/a1 /d/a2 /d/b1
FROM scratch
COPY --from=from /d/a* /out/
COPY --from=from /d/nope* /d/b1 /out/
#: case unused stages are not built
FROM busybox AS broken
RUN false
FROM busybox
RUN echo fine > /fine
#: case the root of a stage
FROM busybox AS from
RUN echo x > /x
FROM scratch
COPY --from=from / /
#: case no destination
#: context tree
FROM busybox
COPY a.txt
#: case no files at all
FROM busybox
COPY
#: case unknown flag
#: context tree
FROM busybox
COPY --nope=1 a.txt /x
#: case quoted words
#: context tree
FROM busybox
COPY "a.txt" '/quoted name'
#: case Dockerfile and ignore file are there
#: context tree
#: ignore *.bin
FROM busybox
COPY . /all/
#: case chmod symbolic, every kind of change
#: context tree
FROM busybox
COPY --chmod=u+t modes /1
COPY --chmod=o+t modes /2
COPY --chmod=a=t modes /3
COPY --chmod=u=s modes /4
COPY --chmod=g=rxs modes /5
COPY --chmod=o=s modes /6
COPY --chmod=+s modes /7
COPY --chmod=a=rwx modes /8
COPY --chmod=u=g modes /9
COPY --chmod=ug=o modes /10
COPY --chmod=u= modes /11
COPY --chmod=u=rwX modes /12
COPY --chmod=a+X modes /13
COPY --chmod=u-x+X modes /14
COPY --chmod=a=r+x modes /15
COPY --chmod=go=u-w,u+rw-x,g= modes /16
#: case link onto nothing
#: context tree
FROM busybox
COPY --link a.txt /linked/deep/file
COPY --link dir /etc
COPY --link --chown=5:6 --chmod=640 b.txt /linked/b/
COPY --link . /all/
COPY --link dir/one /
#: case link over symlinks and folders
#: context links
FROM busybox
COPY . /l/
COPY --link top /l/to-dir/
COPY --link top /l/to-file
COPY --link top /l/real/sub
COPY --link real /l/absolute
#: case link from a stage
#: context tree
FROM busybox AS one
COPY --chown=7:8 dir /d/
FROM busybox
COPY --link --from=one /d /e
COPY --from=one --link=false /d /f/
#: case link with an unknown user
#: own words
#: context tree
FROM busybox
COPY --link --chown=root a.txt /
#: case exclude
#: context tree
FROM busybox
COPY --exclude=sub dir /1/
COPY --exclude=*/three --exclude=.dot dir /2/
COPY --exclude=** dir /3/
COPY --exclude=* --exclude=!sub/deep/four dir /4/
COPY --exclude=dir/one --exclude=/two . /5/
COPY --exclude=a.txt a.txt *.txt /6/
COPY --exclude=**/t* --exclude=  . /7/
COPY --exclude=uni --exclude=**/*.bin --exclude=space* . /8/
ADD --exclude=d*r --exclude=modes/p* --exclude=!modes/private . /9/
#: case exclude from a stage
#: context tree
FROM busybox AS one
COPY . /all/
FROM busybox
COPY --from=one --exclude=dir --exclude=**/inside /all /a/
COPY --from=one --exclude=all/dir --exclude=bin --exclude=etc --exclude=proc --exclude=sys --exclude=dev / /b/
#: case exclude with a wrong pattern
#: own words
#: context tree
FROM busybox
COPY --exclude=[ dir /x/
#: case a url
#: own words
FROM busybox
COPY http://127.0.0.1:1/x /
#: case a repository
#: own words
FROM busybox
COPY git@127.0.0.1:x.git /
