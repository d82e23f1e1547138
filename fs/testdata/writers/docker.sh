docker import base.tar $NAME
docker create --name $NAME --network none $NAME /bin/busybox sh -c \
	'export PATH=/bin; /bin/busybox --install /bin; . /change.sh ""'
docker cp $CHANGE $NAME:/change.sh
docker start -a $NAME
docker commit $NAME $NAME-x
docker save -o out.tar $NAME-x
docker rm $NAME
docker rmi $NAME $NAME-x
mkdir out
tar -C out -xf out.tar
